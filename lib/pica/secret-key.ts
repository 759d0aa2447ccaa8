/**
 * Whether a value can be sent as a secret key: visible ASCII, as HTTP header
 * values allow it. A line break from a file, a space from a copy or a
 * typographic dash would make every call fail, or worse, split the header.
 */
export function isSecretKey(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
