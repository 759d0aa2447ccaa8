import type { Account } from './account.js';
import type { Answer } from './answer.js';
import type { EmulatorRequest } from './emulator-request.js';

/** A request with all that a route needs to answer it. */
export interface Call {
  readonly account: Account;
  readonly request: EmulatorRequest;
  readonly correlationId: string;
  /** Whether the body is larger than the service takes. */
  readonly tooLarge: boolean;
}

/** One thing that can be called. */
export interface Route {
  readonly method: string;
  /** The whole path, or a pattern for it. */
  readonly path: string | RegExp;
  /** Whether it is there for everybody. Default: only with the secret key */
  readonly isPublic?: boolean;
  answer(call: Call): Answer;
}

/** A string is the whole path; a pattern matches anywhere, whatever its `lastIndex` is. */
export function matchesPath(wanted: string | RegExp, path: string): boolean {
  return typeof wanted === 'string'
    ? wanted === path
    : path.search(wanted) >= 0;
}
