/**
 * Parses a `Retry-After` header (RFC 9110, 10.2.3): whole seconds or an HTTP date.
 *
 * @returns seconds from now, rounded up, never negative; `undefined` for anything else
 */
export function parseRetryAfter(
  value: unknown,
  now: number = Date.now(),
): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text))
    return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  // Dates only: `Date.parse` also takes "-5" or "2" for years.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(text);
  if (Number.isNaN(date)) return undefined;
  return Math.max(0, Math.ceil((date - now) / 1000));
}

/** The largest value that is a number of seconds and no time. */
const MAX_SECONDS = 86_400;

/**
 * Parses an `x-pica-rate-limit-reset` header: up to 86,400 it is a number of
 * seconds from now, beyond it Unix time in seconds.
 *
 * @returns seconds from now, rounded up, never negative; `undefined` for anything else
 */
export function parseRateLimitReset(
  value: unknown,
  now: number = Date.now(),
): number | undefined {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value.trim())) {
    return undefined;
  }
  const number = Number(value);
  if (number <= MAX_SECONDS) return number;
  return Math.max(0, Math.ceil(number - now / 1_000));
}
