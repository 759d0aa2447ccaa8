/** Prints an error message and exits. */
export function fail(message: string, exitCode: number): never {
  console.error(message);
  process.exit(exitCode);
}
