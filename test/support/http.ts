/** The origin of Pica's hosted widget. */
export const WIDGET = 'https://authkit.picaos.com';
/** The origin of One's hosted widget. */
export const ONE_WIDGET = 'https://auth.withone.ai';

/** A response, read to its end. */
export interface HttpResponse {
  status: number;
  headers: Headers;
  text: string;
  // The JSON of any route.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** Requests a token as the widget does, by default as the user `ada` of the `SignInGuard`. */
export async function requestToken(
  url: string,
  {
    origin = WIDGET,
    headers = { authorization: 'Bearer ada' },
    body = '{}',
    signal,
  }: {
    origin?: string;
    headers?: Record<string, string>;
    body?: string;
    signal?: AbortSignal;
  } = {},
): Promise<HttpResponse> {
  return readResponse(
    await fetch(url, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', ...headers },
      body,
      signal,
      redirect: 'manual',
    }),
  );
}

/** Sends the preflight request that a browser sends before the widget's request for a token. */
export async function preflight(
  url: string,
  {
    origin = WIDGET,
    headers = 'authorization,content-type',
  }: { origin?: string; headers?: string } = {},
): Promise<HttpResponse> {
  return readResponse(
    await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': headers,
      },
    }),
  );
}

/** Requests a grant as a page of the app does, by default in the session of `ada`. */
export async function requestGrant(
  tokenUrl: string,
  headers: Record<string, string> = {},
): Promise<HttpResponse> {
  return readResponse(
    await fetch(`${tokenUrl}/grant`, {
      method: 'POST',
      headers: {
        cookie: 'sid=ada',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    }),
  );
}

/** Reads a response to its end. */
export async function readResponse(response: Response): Promise<HttpResponse> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : text,
  };
}
