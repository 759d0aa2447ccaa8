#!/usr/bin/env node
import { PicaEmulator } from '../pica-emulator.js';
import { ArgumentError, readArguments, USAGE } from './arguments.js';
import { endWithNpx } from './end-with-npx.js';
import { greeting } from './greeting.js';

/** `npx pica-emulator`: the emulator as a process of its own. */
async function run(): Promise<void> {
  const options = readArguments(process.argv.slice(2));
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  const emulator = await PicaEmulator.start(options);
  // Nothing else keeps the process alive. The same signal again ends it at once.
  const stop = () => void emulator.stop();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  endWithNpx(stop);
  process.stdout.write(greeting(emulator));
}

run().catch((error: Error) => {
  const isMisuse = error instanceof ArgumentError;
  process.stderr.write(
    isMisuse ? `${error.message}\n\n${USAGE}` : `${error.message}\n`,
  );
  process.exitCode = isMisuse ? 2 : 1;
});
