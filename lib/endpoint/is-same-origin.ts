import { hostOf, type PlatformRequest } from './token-url.js';

/**
 * Whether a request comes from a page of the app's own origin, or from no
 * browser: such clients send neither `Sec-Fetch-Site` nor `Origin`, and no
 * cookies by themselves. Sibling subdomains (`same-site`) are other origins,
 * since SameSite cookies are sent from them.
 *
 * @param url a URL of the app, for apps that cannot tell their host from the request
 */
export function isSameOrigin(
  request: PlatformRequest,
  url: string | undefined,
): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (origin === 'null') return false;
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  if (!/^https?:$/.test(protocol) || host === '') return false;
  // Hosts, not schemes: behind a proxy that ends TLS the app may not know its own.
  return [`${protocol}//${hostOf(request)}`, url ?? ''].some(
    (own) => URL.canParse(own) && new URL(own).host === host,
  );
}
