import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** How long an app may take to start, on a busy machine. */
const START_TIMEOUT_MS = 90_000;

/** An app that has been started. */
export interface StartedApp<Ready> {
  readonly ready: Ready;
  /** Ends it, with all that it has started. */
  stop(): Promise<void>;
}

/**
 * Starts an app, and waits until it is ready.
 *
 * @param isReady what the app is ready with, from what it has printed; `undefined` if it is not ready yet
 * @throws {Error} with what it has printed, if it ends or takes more than 90 s
 */
export async function startApp<Ready>(
  [command = '', ...args]: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
  isReady: (output: string) => Ready | undefined | Promise<Ready | undefined>,
): Promise<StartedApp<Ready>> {
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A package manager starts Node as a child of its own.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  let hasEnded = false;
  const closed = once(child, 'close').finally(() => (hasEnded = true));
  closed.catch((error) => (output += error));
  const stop = async () => {
    if (!hasEnded) process.kill(-child.pid!, 'SIGKILL');
    await closed.catch(() => {});
  };
  for (const end = Date.now() + START_TIMEOUT_MS; ; await delay(50)) {
    const ready = await isReady(output);
    if (ready !== undefined) return { ready, stop };
    if (!hasEnded && Date.now() < end) continue;
    await stop();
    throw new Error(`The app is not ready:\n${output}`);
  }
}
