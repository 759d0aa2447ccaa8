import { hostOf, type PlatformRequest } from './token-url.js';

/**
 * Whether a request comes from a page of the app's own origin, or from no
 * browser: such clients send neither `Sec-Fetch-Site` nor `Origin`, and no
 * cookies by themselves. Sibling subdomains (`same-site`) are other origins,
 * since SameSite cookies are sent from them.
 *
 * @param url a URL of the app, where it cannot tell its host from the request
 */
export function isOwnPage(
  request: PlatformRequest,
  url: string | undefined,
): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (origin === 'null') return false;
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return origin === undefined || isOwnHost(origin, request, url);
}

/** Compares hosts, not schemes: behind a proxy that ends TLS the app may not know its own. */
function isOwnHost(
  origin: string,
  request: PlatformRequest,
  url: string | undefined,
): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  if (!/^https?:$/.test(protocol)) return false;
  const own = [`${protocol}//${hostOf(request)}`, url];
  return own.some(
    (each) =>
      each !== undefined &&
      URL.canParse(each) &&
      new URL(each).host === host &&
      host !== '',
  );
}
