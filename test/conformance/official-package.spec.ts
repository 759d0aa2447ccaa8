import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import type { AuthKitIdentity } from '../../lib/index.js';
import { createTokenService, OFFICIAL_REQUESTS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { captureOutput } from '../support/mocks.js';

// By page, not by request: the official package sends its requests in another order.
const pica = useEmulator({
  requestId: ({ query }) => `oauth_req_${query.page}`,
});
const ADA: AuthKitIdentity = { identity: 'ada', identityType: 'user' };

const createOfficial = () =>
  new OfficialAuthKitToken(pica.secretKey, { baseUrl: pica.url });

/** Creates the token of each as JSON, where `undefined` does not exist. */
async function createBoth(): Promise<{ ours: unknown; official: unknown }> {
  const tokens = await createTokenService(pica, OFFICIAL_REQUESTS);
  // The official package prints the whole error, key included, when the flags fail.
  captureOutput();
  const json = (token: unknown): unknown => JSON.parse(JSON.stringify(token));
  const official = json(await createOfficial().create(ADA));
  expect(official).toHaveProperty('rows');
  return { ours: json(await tokens.create(ADA)), official };
}

describe('the token equals that of the official package', () => {
  describe.each([0, 1, 20, 99, 100, 101, 247, 1000])(
    'for %d integrations',
    (size) => {
      it.each<[string, () => void]>([
        ['is false', () => {}],
        ['is true', () => (pica.whiteLabel = true)],
        [
          'request fails',
          () => pica.fault({ path: '/v1/users/flags', status: 404 }),
        ],
        [
          'is missing',
          () => pica.fault({ path: '/v1/users/flags', status: 200, body: {} }),
        ],
        [
          'is null',
          () =>
            pica.fault({
              path: '/v1/users/flags',
              status: 200,
              body: { authkitWhitelist: null },
            }),
        ],
      ])('when the white-label flag %s', async (_name, prepare) => {
        pica.integrations = size;
        prepare();
        const { ours, official } = await createBoth();
        expect(ours).toEqual(official);
      });
    },
  );

  it.each([0, 1, 150])(
    'when a page has unknown fields, for %d integrations',
    async (size) => {
      pica.integrations = size;
      pica.fault({
        path: '/v1/authkit',
        transform: (page) => ({
          ...page,
          futureField: { deep: [1, null, 'x'] },
          isWhiteLabel: 'overwritten',
        }),
      });
      const { ours, official } = await createBoth();
      expect(ours).toEqual(official);
    },
  );

  it.each([2, 247])(
    'when rows have unusual ids and unknown fields, for %d integrations',
    async (size) => {
      pica.integrations = Array.from({ length: size }, (_, index) => ({
        id: [index, `conn_plf_${index}C`, -index][index % 3]!,
        title: `Été ✓ ${index} 🚀`,
        unknown: { a: [{ b: null }] },
        empty: null,
        scopes: '',
      }));
      const { ours, official } = await createBoth();
      expect(ours).toEqual(official);
    },
  );

  it.each([
    ['null', null],
    ['a number', 42],
    ['a string', 'oauth_req_7'],
    ['absent', undefined],
  ])('when the requestId is %s', async (_name, requestId) => {
    pica.fault({
      path: '/v1/authkit',
      transform: (page) => ({ ...page, requestId }),
    });
    const { ours, official } = await createBoth();
    expect(ours).toEqual(official);
  });
});

it.each<[string, AuthKitIdentity | undefined]>([
  ['no identity', undefined],
  ['an identity alone', { identity: 'ada' }],
  [
    'an organization',
    { identity: 'acme:eu west', identityType: 'organization' },
  ],
])(
  'the requests equal those of the official package for %s',
  async (_name, identity) => {
    const requestsSince = (count: number) =>
      pica.requests
        .slice(count)
        .map(({ method, path, query, body }) =>
          JSON.stringify({ method, path, query, body }),
        )
        .sort();
    await createOfficial().create(identity as never);
    const expected = requestsSince(0);
    await (await createTokenService(pica, OFFICIAL_REQUESTS)).create(identity);
    expect(requestsSince(expected.length)).toEqual(expected);
  },
);
