import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthKitTokenService } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { stopApps } from '../support/run-app.js';
import { tokenService } from '../support/token-service.js';

let pica: PicaEmulator;
let official: OfficialAuthKitToken;
beforeAll(async () => {
  // By page, not by call: which call comes first differs.
  pica = await PicaEmulator.start({
    requestId: ({ query }) => `oauth_req_${query.page}`,
  });
  official = new OfficialAuthKitToken(pica.secretKey, { baseUrl: pica.url });
});
afterAll(async () => {
  await stopApps();
  await pica.stop();
});

const ADA = { identity: 'ada', identityType: 'user' as const };

describe.each<[string, boolean, boolean]>([
  ['cache off, hint on', false, true],
  ['cache off, hint off', false, false],
  ['cache on, hint on', true, true],
  ['cache on, hint off', true, false],
])('with %s', (_name, isCached, pageHint) => {
  let ours: AuthKitTokenService;
  beforeAll(async () => {
    ours = await tokenService(pica, {
      pageHint,
      cache: isCached ? { flags: true, catalogue: true } : undefined,
    });
  });

  // It grows and shrinks between the tokens of one service.
  it.each([0, 1, 100, 101, 247, 1000, 247, 150, 20, 99, 300, 0])(
    'the answer for %d integrations is the official package’s, again and again',
    async (count) => {
      pica.integrations = count;
      const expected = (await official.create(ADA)) as object;
      for (const _ of ['first', 'second', 'third']) {
        expect(await ours.create(ADA)).toEqual({
          ...expected,
          // The one difference, which the option's doc comment tells.
          ...(isCached && { requestId: 'oauth_req_1' }),
        });
      }
    },
  );
});
