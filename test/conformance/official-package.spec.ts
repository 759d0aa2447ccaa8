import { Module } from '@nestjs/common';
import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import {
  AuthKitModule,
  AuthKitTokenService,
  type AuthKitIdentity,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, stopApps } from '../support/run-app.js';

let pica: PicaEmulator;
let ours: AuthKitTokenService;
let official: OfficialAuthKitToken;

beforeAll(async () => {
  // By page, not by call: the official package and ours make their calls in another order.
  pica = await PicaEmulator.start({
    requestId: ({ query }) => `oauth_req_${query.page}`,
  });
  @Module({
    imports: [
      AuthKitModule.forRoot({ secretKey: pica.secretKey, baseUrl: pica.url }),
    ],
  })
  class App {}
  const app = await createApp('Express', App);
  ours = app.get(AuthKitTokenService, { strict: false });
  official = new OfficialAuthKitToken(pica.secretKey, { baseUrl: pica.url });
});
afterEach(() => {
  jest.restoreAllMocks();
  pica.reset();
  pica.integrations = 247;
  pica.whiteLabel = false;
});
afterAll(async () => {
  await stopApps();
  await pica.stop();
});

const ADA: AuthKitIdentity = { identity: 'ada', identityType: 'user' };

/** What each of the two answers over HTTP, where `undefined` does not exist. */
async function bothAnswers(who: AuthKitIdentity | undefined = ADA) {
  // The official package prints the whole error, key included, where the flags fail.
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  const expected: unknown = await official.create(who);
  const given: unknown = await ours.create(who);
  expect(expected).toHaveProperty('rows');
  return {
    expected: JSON.parse(JSON.stringify(expected)) as unknown,
    given: JSON.parse(JSON.stringify(given)) as unknown,
  };
}

describe('the same answer as the official package', () => {
  describe.each([0, 1, 20, 99, 100, 101, 247, 1000])(
    'for %d integrations',
    (count) => {
      it.each<[string, () => void]>([
        ['flags that say false', () => {}],
        ['flags that say true', () => (pica.whiteLabel = true)],
        [
          'flags that fail',
          () => pica.fault({ path: '/v1/users/flags', status: 404 }),
        ],
        [
          'flags without the field',
          () => pica.fault({ path: '/v1/users/flags', status: 200, body: {} }),
        ],
        [
          'a null flag',
          () =>
            pica.fault({
              path: '/v1/users/flags',
              status: 200,
              body: { authkitWhitelist: null },
            }),
        ],
      ])('and %s', async (_name, prepare) => {
        pica.integrations = count;
        prepare();
        const { expected, given } = await bothAnswers();
        expect(given).toEqual(expected);
      });
    },
  );

  it.each([0, 1, 150])(
    'with unknown fields at the top of a page, %d integrations',
    async (count) => {
      pica.integrations = count;
      pica.fault({
        path: '/v1/authkit',
        transform: (answer) => ({
          ...answer,
          futureField: { deep: [1, null, 'x'] },
          isWhiteLabel: 'overwritten',
        }),
      });
      const { expected, given } = await bothAnswers();
      expect(given).toEqual(expected);
    },
  );

  it.each([2, 247])(
    'with odd ids and unknown fields in rows, %d integrations',
    async (count) => {
      pica.integrations = Array.from({ length: count }, (_, index) => ({
        id: [index, `conn_plf_${index}C`, -index][index % 3]!,
        title: `Été ✓ ${index} 🚀`,
        unknown: { a: [{ b: null }] },
        empty: null,
        scopes: '',
      }));
      const { expected, given } = await bothAnswers();
      expect(given).toEqual(expected);
    },
  );

  it.each([
    ['null', null],
    ['a number', 42],
    ['a string', 'oauth_req_7'],
    ['absent', undefined],
  ])('with a requestId that is %s', async (_name, requestId) => {
    pica.fault({
      path: '/v1/authkit',
      transform: (answer) => ({ ...answer, requestId }),
    });
    const { expected, given } = await bothAnswers();
    expect(given).toEqual(expected);
  });

  it.each<[string, AuthKitIdentity | undefined]>([
    ['no identity', undefined],
    ['an identity alone', { identity: 'ada' }],
    [
      'an organization',
      { identity: 'acme:eu west', identityType: 'organization' },
    ],
  ])('and the same calls for %s', async (_name, who) => {
    await official.create(who);
    const facts = () =>
      pica.requests
        .map(({ method, path, query, body }) =>
          JSON.stringify({ method, path, query, body }),
        )
        .sort();
    const expected = facts();
    pica.reset();
    await ours.create(who);
    expect(facts()).toEqual(expected);
  });
});
