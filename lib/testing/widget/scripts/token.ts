/** Asks the app's token endpoint. */
export const TOKEN = String.raw`
const PAGE_SIZE = 100;

/** A failure that can be shown, with advice for the developer where there is some. */
export class Failure extends Error {
  constructor(message, advice) {
    super(message);
    this.advice = advice;
  }
}

/** The app's token with the rows of all its pages. One's widget asks for them one by one, Pica's asks once. */
export async function loadToken(settings, vendor) {
  if (vendor !== 'one') return ask(settings);
  let token = await ask(settings, 1);
  const rows = [...token.rows];
  for (let page = 2; page <= token.pages; page++) {
    token = await ask(settings, page);
    rows.push(...token.rows);
  }
  return { ...token, rows };
}

async function ask({ linkTokenEndpoint, linkHeaders }, page) {
  const response = await send(addressOf(linkTokenEndpoint, page), linkHeaders);
  const text = await response.text();
  const body = parse(text);
  if (!response.ok) throw new Failure(messageOf(body) || text || 'Some error occurred');
  // Whatever else comes with 200 shows as an empty list, as it does in the vendor's widget.
  return { ...body, rows: Array.isArray(body && body.rows) ? body.rows : [] };
}

function addressOf(endpoint, page) {
  if (!URL.canParse(endpoint)) {
    throw new Failure('The address of the token endpoint is not complete.', 'token.url is "' + endpoint + '". It has to start with http:// or https://, since the widget is another site.');
  }
  const url = new URL(endpoint);
  if (page !== undefined) {
    url.searchParams.set('page', page);
    url.searchParams.set('limit', PAGE_SIZE);
  }
  return url;
}

async function send(url, relayed) {
  const given = Object.entries(relayed || {}).filter(([, value]) => value !== undefined && value !== null);
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { ...Object.fromEntries(given), 'Content-Type': 'application/json' },
      body: '{}',
      credentials: 'omit',
    });
  } catch {
    // The browser tells scripts no more than this, the console has the rest.
    throw new Failure('The token endpoint cannot be reached.', 'Does ' + url.origin + ' run, and may ' + location.origin + ' call it? The latter is up to allowedOrigins (AUTHKIT_ALLOWED_ORIGINS). The console of the browser says which it is.');
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
  const message = body && body.message;
  const text = (message && message.message) || message;
  return Array.isArray(text) ? text.join(', ') : text;
}
`;
