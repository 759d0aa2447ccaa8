import { validateHeaderName, validateHeaderValue } from 'node:http';
import { types } from 'node:util';
import {
  argumentError,
  checkArgument,
  functionOf,
  integerBetween,
  integerFrom,
  isIntegerFrom,
  isString,
  MILLISECONDS,
  rule,
  STRING,
  type Rules,
} from './check-argument.js';
import { fieldsOf, type EmulatorRequest } from './emulator-request.js';
import { isSuccess } from './emulator-response.js';
import { isPagedList, matchesPath } from './route.js';

/**
 * A fault: which requests it hits, and what happens to them. A request has to
 * meet all conditions; a fault without any hits every request of the API. At
 * least one effect is required.
 *
 * @example
 * ```ts
 * pica.fault({ path: '/v1/authkit', page: 2, times: 1, status: 503 });
 * pica.fault({ identity: 'ada', reset: true });
 * pica.fault({ status: 429, headers: { 'retry-after': '30' } });
 * pica.fault({ method: 'DELETE', path: /^\/v1\/vault\/connections\//, cutOff: true });
 * pica.fault({ path: /authkit/, transform: (body) => ({ ...body, pages: 1e9 }) });
 * // Refused credentials are plain text in some deployments of the service:
 * pica.fault({ status: 401, headers: { 'content-type': 'text/plain' }, body: '401 Unauthorized' });
 * ```
 *
 * @publicApi
 */
export interface EmulatorFault {
  /** Condition: the whole path (`/v1/authkit`, without the query), or a pattern that matches a part of it. */
  path?: string | RegExp;

  /** Condition: the method, in any case. */
  method?: string;

  /** Condition: the page of a token call or a list. A request that names none is for page 1. */
  page?: number;

  /** Condition: the `identity` in the body of a token call, or in the query of a list. */
  identity?: string;

  /** Condition: a synchronous function that is called for every request that meets the others. */
  when?: (request: EmulatorRequest) => boolean;

  /** The number of requests to hit. Default: all, until the fault is removed */
  times?: number;

  /** The number of matching requests to let pass before the first hit. Default: 0 */
  skip?: number;

  /**
   * The status of the response, 100 to 599. With 200 to 299 the rest of the
   * response is the real one unless `body` is given; with any other it is the
   * vendor's error for that status.
   */
  status?: number;

  /** Headers to add to the response or to replace: also a `content-type`, or a wrong `content-length`. */
  headers?: Record<string, string | string[]>;

  /**
   * The body of the response. An object is sent as JSON, a string or a Buffer as
   * it is. The type is `application/json` unless `headers` has another.
   */
  body?: unknown;

  /**
   * Changes the body of the real response if that is a success. The function
   * gets a copy and returns the new body; if it returns `undefined`, the copy is sent.
   */
  // The body depends on the path, and a fault may turn it into anything.
  // oxlint-disable-next-line typescript/no-explicit-any
  // oxlint-disable-next-line typescript/no-explicit-any
  transform?: (body: any) => unknown;

  /** A delay in ms before the response, or before what happens instead, in addition to `latency`. */
  delay?: number;

  /** Resets the connection (RST): the client gets ECONNRESET. */
  reset?: true;

  /** Never responds. */
  hang?: true;

  /**
   * Truncates the response: its `Content-Length` is that of the whole body, but
   * the connection ends after this number of bytes, or with `true` after half of them.
   */
  cutOff?: true | number;

  /** Sends broken JSON: the first half of the body, with a `Content-Length` that fits it. */
  malformed?: true;

  /** Sends the body slowly: `bytes` at a time, `every` so many ms. */
  trickle?: { bytes: number; every: number };

  /** Sends a list of rows without an end, as fast as the client reads it. */
  endless?: true;
}

const TRUE = rule('true; leave it out for no', (value) => value === true);

const FAULT_RULES: Rules<EmulatorFault> = {
  path: rule(
    'a RegExp, or a path that begins with / and has no query; for the query use page, or when: ({ query }) => …',
    (value) =>
      types.isRegExp(value) || (isString(value) && /^\/[^?]*$/.test(value)),
  ),
  method: STRING,
  page: integerFrom(1, ', the first page'),
  identity: STRING,
  when: functionOf('a function of the request'),
  times: rule(
    'a whole number from 1; leave it out for all requests',
    (value) => value === Infinity || isIntegerFrom(1, value),
  ),
  skip: integerFrom(0),
  status: integerBetween(100, 599),
  headers: rule(
    "an object of header names and values that HTTP allows, such as { 'retry-after': '30' }",
    areHeaders,
  ),
  body: rule('anything', () => true),
  transform: functionOf('a function of the body'),
  delay: MILLISECONDS,
  reset: TRUE,
  hang: TRUE,
  cutOff: rule(
    'a whole number from 0, or true for half the body',
    (value) => value === true || isIntegerFrom(0, value),
  ),
  malformed: TRUE,
  trickle: rule('an object', () => true, {
    fields: {
      bytes: { ...integerFrom(1), isRequired: true },
      every: { ...MILLISECONDS, isRequired: true },
    },
  }),
  endless: TRUE,
};

function areHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    for (const [name, values] of Object.entries(value)) {
      validateHeaderName(name);
      for (const each of [values].flat()) validateHeaderValue(name, each);
    }
    return true;
  } catch {
    return false;
  }
}

type Field = keyof EmulatorFault;

const RESPONSE_EFFECTS: readonly Field[] = [
  'status',
  'headers',
  'body',
  'transform',
];

const EFFECTS: readonly Field[] = [
  ...RESPONSE_EFFECTS,
  'delay',
  'reset',
  'hang',
  'cutOff',
  'malformed',
  'trickle',
  'endless',
];

/** Each list begins with an effect that excludes the others of the list. */
const CONFLICTS: readonly (readonly [Field, ...Field[]])[] = [
  ['body', 'transform'],
  [
    'reset',
    'hang',
    'cutOff',
    'malformed',
    'trickle',
    'endless',
    ...RESPONSE_EFFECTS,
  ],
  ['hang', 'cutOff', 'malformed', 'trickle', 'endless', ...RESPONSE_EFFECTS],
  ['endless', 'cutOff', 'malformed', 'trickle', 'body', 'transform'],
  ['malformed', 'body', 'transform'],
  ['cutOff', 'trickle'],
];

/**
 * Checks a fault.
 *
 * @returns a copy
 * @throws {TypeError} for a fault without an effect, effects that contradict each other, or a field of the wrong type
 * @throws {RangeError} for a number out of its range
 */
export function checkFault(given: EmulatorFault): EmulatorFault {
  const fault: EmulatorFault = checkArgument('fault()', FAULT_RULES, given);
  // `null` is a body too.
  fault.body = given.body;
  const isGiven = (name: Field) => fault[name] !== undefined;
  if (!EFFECTS.some(isGiven)) {
    throw argumentError(
      'fault()',
      `the fault has no effect; expected at least one of ${EFFECTS.join(', ')}, such as fault({ status: 503 }).`,
    );
  }
  for (const [effect, ...others] of CONFLICTS) {
    const other = isGiven(effect) && others.find(isGiven);
    if (!other) continue;
    throw argumentError(
      'fault()',
      `the fault has ${effect} and ${other}, which contradict each other; expected one of them, or two faults with times or skip.`,
    );
  }
  if (fault.transform && !isSuccess(fault.status ?? 200)) {
    throw argumentError(
      'fault()',
      `the fault has transform and the status ${fault.status}, which contradict each other, since transform changes the real response; ` +
        'expected a status from 200 to 299, or body for an error.',
    );
  }
  return fault;
}

/** What a fault does, for the log. */
export function describeFault(fault: EmulatorFault): string {
  const effects = EFFECTS.filter((name) => fault[name] !== undefined);
  return `fault: ${effects
    .map((name) => (name === 'status' ? `${name} ${fault.status}` : name))
    .join(', ')}`;
}

/**
 * An active fault, as `pica.fault()` returns it.
 *
 * @publicApi
 */
export interface EmulatorFaultHandle {
  /** The number of requests it has hit. */
  readonly hits: number;
  /** Ends the fault. Requests that it has hit already are not affected. */
  remove(): void;
}

/** The active faults, in the order in which they were added. */
export class FaultList {
  private active: ActiveFault[] = [];

  add(fault: EmulatorFault): EmulatorFaultHandle {
    const added = new ActiveFault(fault);
    this.active.push(added);
    return {
      get hits() {
        return added.hits;
      },
      remove: () => {
        this.active = this.active.filter((other) => other !== added);
      },
    };
  }

  clear(): void {
    this.active = [];
  }

  /** Finds the fault that hits this request, the first that matches and has hits left, and counts the hit. */
  take(request: EmulatorRequest): EmulatorFault | undefined {
    return this.active.find((fault) => fault.take(request))?.fault;
  }
}

class ActiveFault {
  hits = 0;
  private passed = 0;

  constructor(readonly fault: EmulatorFault) {}

  take(request: EmulatorRequest): boolean {
    const { skip = 0, times = Infinity } = this.fault;
    if (this.hits >= times || !matches(this.fault, request)) return false;
    if (this.passed < skip) {
      this.passed += 1;
      return false;
    }
    this.hits += 1;
    return true;
  }
}

function matches(fault: EmulatorFault, request: EmulatorRequest): boolean {
  const { path, method, page, identity, when } = fault;
  return (
    (path === undefined || matchesPath(path, request.path)) &&
    (method === undefined || method.toUpperCase() === request.method) &&
    (page === undefined || page === pageOf(request)) &&
    (identity === undefined || identity === identityOf(request)) &&
    (when === undefined || when(request))
  );
}

function pageOf(request: EmulatorRequest): number | undefined {
  const { method, query } = request;
  return method === 'POST' || isPagedList(request)
    ? Number(query.page ?? 1)
    : undefined;
}

function identityOf({ method, query, body }: EmulatorRequest): unknown {
  return method === 'GET' ? query.identity : fieldsOf(body)?.identity;
}
