#!/usr/bin/env node
import { PicaEmulator } from '../pica-emulator.js';
import { VENDOR_PROFILES } from '../vendor-profiles.js';
import { parseArguments, UsageError, USAGE } from './arguments.js';

/** `npx -p nestjs-pica-authkit pica-emulator`: the emulator as a process of its own. */
async function run(): Promise<void> {
  const options = parseArguments(process.argv.slice(2));
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  const emulator = await PicaEmulator.start(options);
  // The emulator itself keeps no process alive.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const stop = () => {
    clearInterval(keepAlive);
    void emulator.stop();
  };
  // The same signal again ends the process at once.
  process.once('SIGINT', stop).once('SIGTERM', stop);
  exitWithParent(stop);
  process.stdout.write(startupMessage(emulator));
}

/** What to write into the settings of the app and of its page. */
function startupMessage({ vendor, url, secretKey }: PicaEmulator): string {
  const { displayName, secretVariable, widget } = VENDOR_PROFILES[vendor];
  return `The emulator of ${displayName}'s API and widget runs at ${url}

The backend's environment:

  ${secretVariable}=${secretKey}
  AUTHKIT_BASE_URL=${url}
  AUTHKIT_ALLOWED_ORIGINS=${url}

The page, with ${widget.package}:

  ${widget.opener}({ baseUrl: '${url}', token: { … } }).open()

Connections, faults and requests:

  ${url}/

Ctrl+C stops it and deletes its connections.
`;
}

/**
 * Calls `stop` when the parent process exits, under `npx` alone: there a shell
 * runs between npm and this process. A SIGTERM to npx ends that shell and goes
 * no further, so that this process would live on and keep the port.
 */
function exitWithParent(stop: () => void): void {
  if (process.env.npm_command !== 'exec') return;

  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 100);
  timer.unref();
}

run().catch((error: Error) => {
  const isUsageError = error instanceof UsageError;
  process.stderr.write(
    isUsageError ? `${error.message}\n\n${USAGE}` : `${error.message}\n`,
  );
  process.exitCode = isUsageError ? 2 : 1;
});
