import { parseArgs } from 'node:util';
import { isHttpUrl, MAX_TIMEOUT_MS } from '../options/validation.js';

const DEFAULT_TIMEOUT = 10_000;

export const USAGE = `Usage: authkit-doctor [options]

Checks a secret key, and with --endpoint a token endpoint, from outside.
The key is that of the environment, or of .env in this folder: PICA_SECRET_KEY
or ONE_SECRET_KEY, with AUTHKIT_VENDOR and AUTHKIT_BASE_URL. It is not printed.

  --endpoint <url>     URL of the token endpoint, as the page passes it to the widget
  --header <header>    header of a signed-in user, 'authorization: Bearer …', also
                       several times; with grants it is the header of a grant
  --timeout <ms>       timeout of each call (default: ${DEFAULT_TIMEOUT})
  --help               show this

Exit status: 0 when all is well, 1 when something is wrong, 2 for wrong options.
`;

/** What to check. */
export interface DoctorArguments {
  readonly endpoint?: string;
  /** The headers of a signed-in user, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The timeout of each call in ms. */
  readonly timeout: number;
}

/** The arguments of the command are not valid. */
export class UsageError extends Error {}

/**
 * Parses the arguments of the command. `undefined` stands for `--help`.
 *
 * @throws {UsageError} for arguments that are not valid. It does not quote a header: headers are secrets
 */
export function parseArguments(
  args: readonly string[],
): DoctorArguments | undefined {
  const { help, endpoint, header = [], timeout } = parse(args);
  if (help) return undefined;
  if (endpoint !== undefined && !isEndpoint(endpoint)) {
    throw new UsageError(
      '--endpoint: expected the whole URL without credentials, such as https://api.example/authkit-token.',
    );
  }
  if (header.length > 0 && endpoint === undefined) {
    throw new UsageError(
      '--header: expected together with --endpoint, to which it is sent.',
    );
  }
  return {
    endpoint,
    headers: Object.fromEntries(header.map(parseHeader)),
    timeout: parseTimeout(timeout),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        endpoint: text,
        header: { ...text, multiple: true },
        timeout: text,
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const quotesArgument =
      code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL' ||
      (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' &&
        !/^Unknown option '--?[\w-]+'/.test(message));
    throw new UsageError(
      // The argument may be a header whose quotes are missing, or its --header.
      quotesArgument
        ? "There is an argument without an option. Put quotes around a header: --header 'authorization: Bearer …'."
        : message,
    );
  }
}

/** A URL whose query is allowed: an endpoint may have one. */
function isEndpoint(endpoint: string): boolean {
  return isHttpUrl(endpoint.replace(/\?.*$/s, ''));
}

function parseHeader(header: string): [name: string, value: string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(\S.*?)\s*$/.exec(
    header,
  ) ?? ['', ''];
  if (!name || !value || !/^[\t\x20-\x7e]+$/.test(value)) {
    throw new UsageError(
      "--header: expected 'name: value' in ASCII, such as 'authorization: Bearer …'.",
    );
  }
  return [name.toLowerCase(), value];
}

function parseTimeout(timeout = `${DEFAULT_TIMEOUT}`): number {
  const ms = /^\d{1,15}$/.test(timeout) ? Number(timeout) : 0;
  if (ms >= 1 && ms <= MAX_TIMEOUT_MS) return ms;
  throw new UsageError(
    `--timeout: expected milliseconds, a whole number from 1 to ${MAX_TIMEOUT_MS}.`,
  );
}
