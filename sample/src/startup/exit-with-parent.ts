const CHECK_INTERVAL_MS = 100;

/**
 * Exits when the parent process exits, under `npm start` only.
 *
 * npm runs this process in a shell. A SIGTERM to npm, e.g. from a supervisor,
 * ends the shell but does not reach this process, which would keep running and
 * keep the port.
 */
export function exitWithParent(): void {
  if (process.env.npm_lifecycle_event !== 'start') return;

  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, CHECK_INTERVAL_MS);
  timer.unref();
}
