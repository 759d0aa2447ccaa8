/** Whether a host is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Whether a value is an origin as browsers send it. `*` and `null` are none. */
export function isOrigin(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(value) &&
    value === toOrigin(value)
  );
}

/** Whether a value is the origin of a page that may send cookies: `http:` for this machine only. */
export function isPageOrigin(value: unknown): value is string {
  if (!isOrigin(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol !== 'http:' || isLoopback(hostname);
}

/** The origin of a URL; `undefined` if it has none. */
function toOrigin(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const { origin, protocol, host } = new URL(value);
  if (/^https?:$/.test(protocol)) return origin;
  return host ? `${protocol}//${host.toLowerCase()}` : undefined;
}
