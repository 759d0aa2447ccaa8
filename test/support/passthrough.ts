import type { RequestListener } from 'node:http';
import { AuthKitPassthroughService } from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, type TestOptions } from './app.js';
import { startServer } from './server.js';

/** The id of the owner in the tests of calls. */
export const ADA = { identity: 'ada' };
export const GMAIL = { platform: 'gmail' };
export const LABELS = 'gmail/v1/users/me/labels';

/** Creates the passthrough service of an app that uses an emulator. The app closes after the current test. */
export async function createPassthrough(
  pica: Pick<PicaEmulator, 'secretKey' | 'url' | 'vendor'>,
  options?: TestOptions,
): Promise<AuthKitPassthroughService> {
  return (await createApp({ pica, options })).get(AuthKitPassthroughService);
}

/** The calls to platforms that an emulator has received. */
export function platformCalls({ requests }: Pick<PicaEmulator, 'requests'>) {
  return requests.filter(({ path }) => path.startsWith('/v1/passthrough'));
}

/** An action of which the list is not needed. */
export const ACTION = {
  systemId: 'x',
  title: '',
  method: '',
  path: '',
  tags: [],
};

/**
 * Starts a service with a connection of Ada that responds to calls as a test
 * says, byte by byte. It stops after the current test.
 */
export async function startRawPica(onCall: RequestListener) {
  const connection = {
    id: '11111111-1111-4111-8111-111111111111',
    key: 'test::gmail::default::ada',
    platform: 'gmail',
    identity: 'ada',
    identityType: 'user',
    state: 'operational',
    active: true,
  };
  const url = await startServer((request, response) => {
    if (request.url!.startsWith('/v1/passthrough/')) {
      onCall(request, response);
      return;
    }
    const rows = [connection];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ rows, total: 1, pages: 1, page: 1 }));
  });
  const secretKey = 'sk_test_0123456789abcdef';
  return { url, secretKey, vendor: 'pica' as const, connection };
}
