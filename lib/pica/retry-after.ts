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
