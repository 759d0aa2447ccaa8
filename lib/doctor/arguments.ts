import { parseArgs } from 'node:util';
import { isHttpUrl, MAX_TIMEOUT_MS } from '../options/validation.js';
import type { CallSettings } from './check-call.js';

const DEFAULT_TIMEOUT = 10_000;

export const USAGE = `Usage: authkit-doctor [options]

Checks a secret key, and with --endpoint the routes of the module, from outside.
The key is that of the environment, or of .env in this folder: PICA_SECRET_KEY
or ONE_SECRET_KEY, with AUTHKIT_VENDOR and AUTHKIT_BASE_URL. It is not printed.

  --endpoint <url>     URL of the token route, the grant route or the connections
                       route; those beside it are checked too, if they are there
  --header <header>    header of a signed-in user, 'authorization: Bearer …', also
                       several times; with grants also the header of a grant
  --call <platform> <path> --identity <id>
                       one GET to a platform with the connection of an identity:
                       --call gmail gmail/v1/users/me/labels --identity user-1
  --timeout <ms>       timeout of each call (default: ${DEFAULT_TIMEOUT})
  --help               show this

Exit status: 0 when all is well, 1 when something is wrong, 2 for wrong options.
`;

/** What to check. */
export interface DoctorArguments {
  readonly endpoint?: string;
  /** The headers of a signed-in user, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly call?: CallSettings;
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
  const { values, positionals } = parse(args);
  const { help, endpoint, header = [], timeout } = values;
  if (help) return undefined;
  const call = parseCall(values.call, values.identity, positionals);
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
    call,
    timeout: parseTimeout(timeout),
  };
}

// An argument may be a header whose quotes are missing, or its --header: it is not quoted.
const STRAY_ARGUMENT =
  "There is an argument without an option. Put quotes around a header: --header 'authorization: Bearer …'.";

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      // The path of --call.
      allowPositionals: true,
      options: {
        endpoint: text,
        header: { ...text, multiple: true },
        call: text,
        identity: text,
        timeout: text,
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const quotesArgument =
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' &&
      !/^Unknown option '--?[\w-]+'/.test(message);
    throw new UsageError(quotesArgument ? STRAY_ARGUMENT : message);
  }
}

/** `--call PLATFORM PATH --identity ID` */
function parseCall(
  platform: string | undefined,
  identity: string | undefined,
  [path, ...others]: readonly string[],
): CallSettings | undefined {
  if (others.length > 0 || (path !== undefined && platform === undefined)) {
    throw new UsageError(STRAY_ARGUMENT);
  }
  if (platform === undefined && identity === undefined) return undefined;
  if (platform && path && identity) return { platform, path, identity };
  throw new UsageError(
    '--call: expected a platform, a path and --identity, such as --call gmail gmail/v1/users/me/labels --identity user-1.',
  );
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
