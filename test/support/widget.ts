/** The origin of Pica's hosted widget. */
export const WIDGET = 'https://authkit.picaos.com';

/** An answer, read whole. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // Whatever the endpoint answers is what the test looks at.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** Calls the token endpoint as the widget does, by default for the user `ada`. */
export async function askForToken(
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
): Promise<Answer> {
  return read(
    await fetch(url, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', ...headers },
      body,
      signal,
      redirect: 'manual',
    }),
  );
}

/** Asks what the browser asks before it lets the widget call. */
export async function preflight(
  url: string,
  {
    origin = WIDGET,
    headers = 'authorization,content-type',
  }: { origin?: string; headers?: string } = {},
): Promise<Answer> {
  return read(
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

/** Reads an answer whole. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : text,
  };
}
