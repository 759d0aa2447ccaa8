/** The widget's requests: to the app's token endpoint, and to the emulator. */

const PAGE_SIZE = 100;
/** ms between two questions for the outcome of an authorization. */
const POLL_INTERVAL_MS = 200;

/** A failure to show, with advice for the developer where there is some. */
export class Failure extends Error {
  constructor(message, advice) {
    super(message);
    this.advice = advice;
  }
}

/**
 * Fetches the app's token with the rows of all pages: page by page, or at once.
 */
export async function fetchToken(settings, { fetchesPages }) {
  if (!fetchesPages) return fetchPage(settings);
  let token = await fetchPage(settings, 1);
  const rows = [...token.rows];
  for (let page = 2; page <= token.pages; page++) {
    token = await fetchPage(settings, page);
    rows.push(...token.rows);
  }
  return { ...token, rows };
}

/**
 * Creates the connection.
 *
 * @throws {Failure} with `isExpired` where only a new token helps
 */
export function createConnection(consent) {
  return callEmulator('/widget/connections', consent);
}

/**
 * Starts an authorization at the platform.
 *
 * @returns the URL of the platform's page, and the `state` of the authorization
 * @throws {Failure} with `isExpired` where only a new token helps
 */
export async function startAuthorization(consent) {
  const { path, state } = await callEmulator('/widget/oauth', consent);
  return { url: new URL(path, location.origin).href, state };
}

/**
 * Asks for the outcome of an authorization until there is one.
 *
 * @param isOver returns whether the user cannot decide any more
 * @returns the connection
 * @throws {Failure} where the user has denied it
 */
export async function awaitAuthorization(state, isOver = () => false) {
  const path = `/v1/connections/oauth/check?state=${encodeURIComponent(state)}`;
  for (;;) {
    // Read first: what was decided until then counts.
    const isLast = isOver();
    const { status, connection, message } = await callEmulator(path);
    if (status === 'success') return connection;
    if (status === 'failed') throw new Failure(message);
    if (isLast) throw new Failure('The window was closed.');
    await new Promise((next) => setTimeout(next, POLL_INTERVAL_MS));
  }
}

async function callEmulator(path, body) {
  const response = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body),
  }).catch(() => {
    throw new Failure('The emulator does not respond.', 'Is it still running?');
  });
  const result = await response.json();
  if (response.ok) return result;
  throw Object.assign(new Failure(result.message), {
    isExpired: response.status === 409,
  });
}

async function fetchPage({ linkTokenEndpoint, linkHeaders }, page) {
  const response = await post(pageUrl(linkTokenEndpoint, page), linkHeaders);
  const text = await response.text();
  const body = parse(text);
  if (!response.ok) {
    throw new Failure(messageOf(body) || text || 'Some error occurred');
  }
  // Any other body with status 200 shows as an empty list, as it does in the vendor's widget.
  return { ...body, rows: Array.isArray(body?.rows) ? body.rows : [] };
}

function pageUrl(endpoint, page) {
  if (!URL.canParse(endpoint)) {
    throw new Failure(
      'The address of the token endpoint is not complete.',
      `token.url is "${endpoint}". It has to start with http:// or https://, since the widget is another site.`,
    );
  }
  const url = new URL(endpoint);
  if (page !== undefined) {
    url.searchParams.set('page', page);
    url.searchParams.set('limit', PAGE_SIZE);
  }
  return url;
}

async function post(url, relayedHeaders) {
  const relayed = Object.entries(relayedHeaders || {}).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  try {
    return await fetch(url, {
      method: 'POST',
      headers: {
        ...Object.fromEntries(relayed),
        'Content-Type': 'application/json',
      },
      body: '{}',
      credentials: 'omit',
    });
  } catch {
    // Scripts learn no more than this; the browser's console has the reason.
    throw new Failure(
      'The token endpoint cannot be reached.',
      `Is ${url.origin} running, and may ${location.origin} call it? The latter is up to allowedOrigins (AUTHKIT_ALLOWED_ORIGINS). The console of the browser says which it is.`,
    );
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(body) {
  const message = body?.message;
  const text = message?.message || message;
  return Array.isArray(text) ? text.join(', ') : text;
}
