import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import { createTokenService, OFFICIAL_REQUESTS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';

// By page, not by request: which request comes first differs.
const pica = useEmulator({
  requestId: ({ query }) => `oauth_req_${query.page}`,
});
const ADA = { identity: 'ada', identityType: 'user' as const };

/** Numbers of integrations, one after the other. */
const SIZES = [
  0, 1, 100, 101, 247, 1000, 247, 150, 20, 99, 300, 0, 101, 350, 1, 247, 247,
];

describe.each([true, false])('with cache: %s', (isCached) => {
  it.each([true, false])(
    'every token equals the official package’s while the integrations grow and shrink, with pageHint: %s',
    async (pageHint) => {
      const official = new OfficialAuthKitToken(pica.secretKey, {
        baseUrl: pica.url,
      });
      const tokens = await createTokenService(pica, {
        ...OFFICIAL_REQUESTS,
        pageHint,
        ...(isCached && { cache: { flags: true, integrations: true } }),
      });
      for (const size of SIZES) {
        pica.integrations = size;
        const expected: object = (await official.create(ADA)) as never;
        for (const _ of ['first', 'second', 'third']) {
          expect(await tokens.create(ADA)).toEqual({
            ...expected,
            // The one difference, which the doc comment of the option describes.
            ...(isCached && {
              requestId: expect.stringMatching(/^oauth_req_\d+$/),
            }),
          });
        }
      }
    },
    15_000,
  );
});

describe('with the default options', () => {
  it.each([0, 1, 99, 101, 150, 151, 247, 1000])(
    'a token of %d integrations differs from the official package’s in its requestId alone',
    async (size) => {
      pica.integrations = size;
      const official = new OfficialAuthKitToken(pica.secretKey, {
        baseUrl: pica.url,
      });
      const expected = (await official.create(ADA)) as object;
      const tokens = await createTokenService(pica);
      for (const _ of ['first', 'later']) {
        expect(await tokens.create(ADA)).toEqual({
          ...expected,
          requestId: `oauth_req_${Math.max(1, Math.ceil(size / 150))}`,
        });
      }
    },
  );
});
