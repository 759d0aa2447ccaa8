import { gzipSync } from 'node:zlib';
import type { AuthKitErrorReason } from '../../lib/index.js';
import type { EmulatorFault } from '../../lib/testing/index.js';

/** A failure of the upstream that lasts, and what becomes of a token because of it. */
export interface UpstreamFailure {
  /** What the upstream does, as it reads after "when the upstream …". */
  name: string;
  fault: EmulatorFault;
  /** The `reason` in the response of the token endpoint. */
  reason: AuthKitErrorReason;
  /** The status of that response. */
  status: number;
  /** Whether the request is sent again, up to `retries` times. */
  isRetried: boolean;
  /** The `Retry-After` header of that response. */
  retryAfter?: string | RegExp;
  /** Whether nothing but a timeout ends each attempt. */
  isTimeout?: boolean;
}

/** The status of the token endpoint for each reason that the upstream can cause. */
const STATUS = {
  secret_rejected: 502,
  quota_exceeded: 503,
  rate_limited: 503,
  rejected: 502,
  unavailable: 502,
  timed_out: 504,
  malformed: 502,
} as const;

type More = Partial<UpstreamFailure>;

const failure = (
  name: string,
  fault: EmulatorFault,
  reason: keyof typeof STATUS,
  more: More = {},
): UpstreamFailure => ({
  name,
  fault,
  reason,
  status: STATUS[reason],
  isRetried: false,
  ...more,
});

const RETRIED: More = { isRetried: true };

const status = (
  code: number,
  reason: keyof typeof STATUS,
  more?: More,
): UpstreamFailure =>
  failure(`responds with ${code}`, { status: code }, reason, more);

const retryAfter = (
  code: number,
  value: string,
  name: string,
  more: More,
): UpstreamFailure =>
  failure(
    `responds with ${code} and a Retry-After ${name}`,
    { status: code, headers: { 'retry-after': value } },
    'rate_limited',
    more,
  );

/** A response with status 200 that is not a token. */
const invalid = (
  name: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): UpstreamFailure =>
  failure(
    `responds with ${name}`,
    {
      status: 200,
      headers: { 'content-type': 'application/json', ...headers },
      body,
    },
    'malformed',
  );

/** 64 MB of blanks inside JSON, in 64 kB. */
const GZIP_BOMB = gzipSync(
  `{"rows":[],"pages":1${' '.repeat(64 * 1024 * 1024)}}`,
);

/** Every way in which any request to the upstream can fail. */
export const UPSTREAM_FAILURES: readonly UpstreamFailure[] = [
  status(400, 'rejected'),
  status(401, 'secret_rejected'),
  status(402, 'quota_exceeded'),
  status(403, 'secret_rejected'),
  status(404, 'rejected'),
  status(408, 'unavailable', RETRIED),
  status(422, 'rejected'),
  status(429, 'rate_limited', { ...RETRIED, retryAfter: '1' }),
  retryAfter(429, '0', 'of 0 s', { ...RETRIED, retryAfter: '0' }),
  retryAfter(429, '86400', 'of a day', { retryAfter: '3600' }),
  retryAfter(
    429,
    new Date(Date.now() + 3_600_000).toUTCString(),
    'date in an hour',
    { retryAfter: /^3[56]\d\d$/ },
  ),
  status(500, 'unavailable', RETRIED),
  status(501, 'unavailable'),
  status(502, 'unavailable', RETRIED),
  status(503, 'unavailable', RETRIED),
  retryAfter(503, '86400', 'of a day', { retryAfter: '3600' }),
  status(504, 'unavailable', RETRIED),
  failure(
    'redirects to another host',
    { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
    'unavailable',
  ),
  status(204, 'malformed'),
  failure('resets the connection', { reset: true }, 'unavailable', RETRIED),
  failure(
    'closes it within the body',
    { cutOff: true },
    'unavailable',
    RETRIED,
  ),
  failure('does not respond', { hang: true }, 'timed_out', {
    ...RETRIED,
    isTimeout: true,
  }),
  failure(
    'sends a byte every 20 ms',
    { trickle: { bytes: 1, every: 20 } },
    'timed_out',
    { ...RETRIED, isTimeout: true },
  ),
  failure('sends a body without end', { endless: true }, 'malformed'),
  failure('responds with broken JSON', { malformed: true }, 'malformed'),
  invalid('HTML', '<html></html>', { 'content-type': 'text/html' }),
  invalid('HTML labelled as JSON', '<html></html>'),
  invalid('JSON labelled as text', '{"rows":[],"pages":1}', {
    'content-type': 'text/plain',
  }),
  invalid(
    'bytes that are not UTF-8',
    // Valid JSON, if the byte is replaced.
    Buffer.from(
      '{"rows":[],"pages":1,"page":1,"total":0,"name":"\xff"}',
      'latin1',
    ),
  ),
  invalid('plain text labelled as gzip', '{}', { 'content-encoding': 'gzip' }),
  invalid('a gzip bomb', GZIP_BOMB, { 'content-encoding': 'gzip' }),
  invalid('null', 'null'),
  invalid('a list', '[]'),
  invalid('an error and status 200', '{"type":"error","error":"Not found"}'),
  invalid(
    'excessive nesting',
    `{"rows":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  ),
];

/** How many requests a failure causes with the given option `retries`. */
export function attemptsOf(
  { isRetried }: UpstreamFailure,
  retries: number,
): number {
  return isRetried ? 1 + retries : 1;
}

/**
 * Expects the requests of one call: as many as {@link attemptsOf} says. A reset
 * of a kept-alive connection before the response begins costs no attempt, so
 * one request more may have been made.
 *
 * @param speculated the requests that were made before anybody needed them
 */
export function expectAttempts(
  requests: readonly unknown[],
  failure: UpstreamFailure,
  retries: number,
  speculated = 0,
): void {
  const attempts = attemptsOf(failure, retries);
  const replaced = 'reset' in failure.fault ? 1 + speculated : 0;
  const most = attempts + speculated + replaced;
  expect(requests.length).toBeGreaterThanOrEqual(attempts);
  expect(requests.length).toBeLessThanOrEqual(most);
}

/**
 * An `attemptTimeout` in ms for a failure: short where nothing else ends the
 * attempt, and elsewhere more than a busy machine needs.
 */
export function attemptTimeoutOf({
  isTimeout,
}: Pick<UpstreamFailure, 'isTimeout'>): number {
  return isTimeout ? 80 : 1_500;
}
