/**
 * Under `npx` a shell stands between npm and this process. A SIGTERM to npx
 * (from a supervisor, say) ends that shell and goes no further: this process
 * would live on, unseen, and keep the port. So it ends with its shell.
 */
export function endWithNpx(stop: () => void): void {
  if (process.env.npm_command !== 'exec') return;

  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    stop();
  }, 100);
  watch.unref();
}
