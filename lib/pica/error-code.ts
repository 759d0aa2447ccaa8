/**
 * The code of an error, e.g. `ECONNREFUSED`, where it has one: of an error that
 * comes from elsewhere the only part that may be shown, since its message may
 * quote a URL with a password, or the headers of a call.
 */
export function errorCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)
    ? code
    : undefined;
}
