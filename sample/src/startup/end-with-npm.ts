/**
 * Under `npm start` a shell stands between npm and this process. A SIGTERM to
 * npm (from a supervisor, say) ends that shell and goes no further: this
 * process would live on, unseen, and keep the port. So it ends with its shell.
 */
export function endWithNpm(): void {
  if (process.env.npm_lifecycle_event !== 'start') return;

  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 100);
  watch.unref();
}
