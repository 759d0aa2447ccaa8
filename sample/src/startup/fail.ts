/** Ends the process with a message for the person who started it. */
export function fail(message: string, exitCode: number): never {
  console.error(message);
  process.exit(exitCode);
}
