import { AuthKitPassthroughService } from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, type TestOptions } from './app.js';

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
