import type { EmulatorRequest } from './emulator-request.js';
import type { EmulatorResponse } from './emulator-response.js';

/**
 * Whether a page of another site makes the request: its own host name may
 * resolve to 127.0.0.1 (DNS rebinding), and its fetch() has its origin.
 */
export function isForeign({ headers }: EmulatorRequest): boolean {
  const { host = '', origin } = headers;
  const isOwnOrigin =
    origin === undefined ||
    [`http://${host}`, `https://${host}`].includes(origin);
  return !isLoopback(host) || !isOwnOrigin;
}

function isLoopback(host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return (
    ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) ||
    hostname.endsWith('.localhost')
  );
}

export function refuseForeign(): EmulatorResponse {
  const message =
    'The page of the emulator, its widget and the API below /emulator/ are for this machine alone: use 127.0.0.1 or localhost.';
  return { status: 403, body: { message } };
}
