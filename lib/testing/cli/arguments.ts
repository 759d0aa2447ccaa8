import { parseArgs } from 'node:util';
import { findErrors } from '../check-argument.js';
import { OPTION_RULES, type PicaEmulatorOptions } from '../emulator-options.js';

/** The same port at every start, as it is written into settings. */
const DEFAULT_PORT = 4010;

export const USAGE = `Usage: pica-emulator [options]

Pica's API and AuthKit's widget on this machine: no account, no network.

  --port <number>          port on 127.0.0.1, 0 for any free one (default: ${DEFAULT_PORT})
  --integrations <number>  number of integrations (default: 247)
  --latency <ms>           delay of every response of the API (default: 0)
  --secret-key <key>       the only key that is accepted (default: sk_test_emulator)
  --vendor <pica|one>      service to emulate (default: pica)
  --help                   show this
`;

/** The arguments of the command are not valid. */
export class UsageError extends Error {}

/**
 * The options to start with, or `undefined` for `--help`.
 *
 * @throws {UsageError} for arguments that are not valid
 */
export function parseArguments(
  args: readonly string[],
): PicaEmulatorOptions | undefined {
  const { help, 'secret-key': secretKey, ...rest } = parse(args);
  if (help) return undefined;
  const options = {
    vendor: rest.vendor,
    secretKey,
    port: numberIn(rest.port ?? `${DEFAULT_PORT}`),
    integrations: numberIn(rest.integrations),
    latency: numberIn(rest.latency),
  };
  const errors = findErrors(OPTION_RULES, options);
  if (errors.length === 0) return options as PicaEmulatorOptions;
  const lines = errors.map((error) =>
    error.replace(/^secretKey/, 'secret-key'),
  );
  throw new UsageError(lines.map((line) => `--${line}`).join('\n'));
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
    throw new UsageError((error as Error).message);
  }
}

/** Digits as a number. Any other text stays as it is, and is refused. */
function numberIn(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}
