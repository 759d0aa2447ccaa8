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

/** What to write instead of the refused entries of a list of origins, if they show what was meant. */
export function suggestOrigins(
  value: unknown,
  isValid: (entry: unknown) => boolean,
): string {
  if (!Array.isArray(value)) return '';
  const corrections = value
    .filter((entry) => typeof entry === 'string' && !isValid(entry))
    .flatMap((entry: string) => {
      const text = entry.trim();
      const withScheme = text.includes('.') ? `https://${text}` : text;
      const origin = toOrigin(text) ?? toOrigin(withScheme) ?? '';
      return [origin, origin.replace(/^http:/, 'https:')].find(isValid) ?? [];
    })
    // Bounded: a list may be long.
    .slice(0, 5);
  return corrections.length > 0
    ? `; write ${corrections.map((origin) => `'${origin}'`).join(', ')}`
    : '';
}
