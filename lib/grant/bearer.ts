import type { IncomingHttpHeaders } from 'node:http';

/** The token of `Authorization: Bearer …`, where a request carries one. */
export function bearerOf({
  headers,
}: {
  headers: IncomingHttpHeaders;
}): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
