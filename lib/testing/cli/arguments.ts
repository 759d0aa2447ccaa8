import { parseArgs } from 'node:util';
import { isSecretKey } from '../../options/module.options.js';
import type { AuthKitVendor } from '../../authkit.types.js';
import type { PicaEmulatorOptions } from '../emulator.options.js';
import { LONGEST } from '../mistake.js';

/** A port that stays the same from start to start, as it is written into settings. */
export const DEFAULT_PORT = 4010;

export const USAGE = `Usage: pica-emulator [options]

Pica's API and AuthKit's widget on this machine: no account, no network.

  --port <number>          port on 127.0.0.1, 0 for any free one (default: ${DEFAULT_PORT})
  --integrations <number>  how many integrations there are (default: 247)
  --latency <ms>           how long every answer of the API takes (default: 0)
  --secret-key <key>       the one key that is let in (default: sk_test_emulator)
  --vendor <pica|one>      which service to be (default: pica)
  --help                   show this
`;

/** What somebody has typed cannot be used; the message says why. */
export class ArgumentError extends Error {}

/**
 * What to start with, or `undefined` where help is asked for.
 *
 * @throws {ArgumentError} for what cannot be used
 */
export function readArguments(
  args: readonly string[],
): PicaEmulatorOptions | undefined {
  const given = parse(args);
  if (given.help) return undefined;
  return {
    port: whole('--port', given.port, 65_535) ?? DEFAULT_PORT,
    integrations: whole('--integrations', given.integrations, 1_000_000),
    latency: whole('--latency', given.latency, LONGEST),
    secretKey: key(given['secret-key']),
    vendor: vendor(given.vendor),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: text,
        integrations: text,
        latency: text,
        'secret-key': text,
        vendor: text,
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new ArgumentError((error as Error).message);
  }
}

function whole(name: string, given: string | undefined, max: number) {
  if (given === undefined) return undefined;
  const number = /^\d{1,15}$/.test(given) ? Number(given) : NaN;
  if (number <= max) return number;
  throw new ArgumentError(
    `${name} has to be a whole number from 0 to ${max}, not "${given}".`,
  );
}

/** The key itself is not repeated: it may be a real one. */
function key(given: string | undefined): string | undefined {
  if (given === undefined || isSecretKey(given)) return given;
  throw new ArgumentError(
    '--secret-key has to be a text without spaces or characters beyond ASCII, as it is sent in a header.',
  );
}

function vendor(given: string | undefined): AuthKitVendor | undefined {
  if (given === undefined || given === 'pica' || given === 'one') return given;
  throw new ArgumentError(`--vendor has to be pica or one, not "${given}".`);
}
