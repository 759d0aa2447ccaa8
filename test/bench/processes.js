// Child processes that cannot outlive or hang the benchmark.
import { fork } from 'node:child_process';

const ANSWER_TIMEOUT_MS = 60_000;

const running = new Set();
process.on('exit', stopAll);

/**
 * Starts a file of this folder in a process of its own, and waits for its first message.
 *
 * @returns `hello`, the first message; `ask`, which sends a message and returns the answer; `stop`
 */
export async function start(file, args) {
  const child = fork(new URL(file, import.meta.url), args, {
    // A process that waits for its turn would else collect garbage after 8 s,
    // and with it what its compiled code relies on: it would be cold again.
    execArgv: ['--expose-gc', '--no-memory-reducer'],
  });
  running.add(child);
  let pending;
  child.on('message', (message) => pending?.resolve(message));
  // As when a message cannot be sent, since the process has exited.
  child.on('error', (error) => pending?.reject(error));
  child.once('exit', (code, signal) => {
    running.delete(child);
    pending?.reject(new Error(`${file} has exited (${signal ?? code})`));
  });

  const answer = async (send) => {
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        pending = { resolve, reject };
        timer = setTimeout(
          () => reject(new Error(`${file} ${args[0]} does not answer`)),
          ANSWER_TIMEOUT_MS,
        );
        send?.();
      });
    } finally {
      clearTimeout(timer);
      pending = undefined;
    }
  };
  return {
    hello: await answer(),
    ask: (message = {}) => answer(() => child.send(message)),
    stop: () => child.kill('SIGKILL'),
  };
}

/** Stops all processes that this one has started, by their ids. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL');
}
