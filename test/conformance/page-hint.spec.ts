import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { AuthKitTokenService } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { stopApps } from '../support/run-app.js';
import { reasonOf, tokenService } from '../support/token-service.js';
import { until } from '../support/until.js';

const ADA = { identity: 'ada' };

let pica: PicaEmulator;
let official: OfficialAuthKitToken;
beforeAll(async () => {
  pica = await PicaEmulator.start({
    requestId: ({ query }) => `oauth_req_${query.page}`,
  });
  official = new OfficialAuthKitToken(pica.secretKey, { baseUrl: pica.url });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
  pica.integrations = 247;
});
afterAll(() => pica.stop());

const pagesAsked = () =>
  pica.requests.map(({ query }) => query.page).filter(Boolean);

describe.each([true, false])('with pageHint: %s', (pageHint) => {
  it('the answer is the official package’s while the catalogue grows and shrinks between tokens', async () => {
    const tokens = await tokenService(pica, { pageHint });
    for (const size of [247, 20, 1000, 0, 101, 100, 350, 1, 247, 247]) {
      pica.integrations = size;
      expect(await tokens.create(ADA)).toEqual(await official.create(ADA));
    }
  });

  it.each([
    ['grows', 247, 350],
    ['grows by less than a page', 247, 260],
    ['shrinks', 350, 120],
    ['shrinks to nothing', 247, 0],
  ])(
    'the answer is whole where the catalogue %s in the middle of a token',
    async (_name, before, after) => {
      const tokens = await tokenService(pica, { pageHint });
      pica.integrations = before;
      await tokens.create(ADA);

      // The first page is answered last, after the change.
      pica.reset();
      pica.fault({ path: '/v1/authkit', page: 1, times: 1, delay: 60 });
      const token = tokens.create(ADA);
      await until(
        () =>
          pica.requests.length ===
          (pageHint ? 1 : 0) * (Math.ceil(before / 100) - 1) + 2,
      );
      await until(
        () =>
          pica.requests.filter(({ status }) => status === undefined).length ===
          1,
      );
      pica.integrations = after;
      const given = await token;
      pica.reset();
      expect(given).toEqual(await official.create(ADA));
    },
  );
});

describe('the page count of the last answer', () => {
  let tokens: AuthKitTokenService;
  const start = async (options = {}) => {
    tokens = await tokenService(pica, options);
  };

  it('makes one round trip of two', async () => {
    await start();
    await tokens.create(ADA);
    pica.reset();
    pica.fault({ path: '/v1/authkit', page: 1, hang: true });
    const token = reasonOf(
      tokens.create(ADA, { signal: AbortSignal.timeout(200) }),
    );
    await until(() => pagesAsked().length === 3);
    expect([...pagesAsked()].sort()).toEqual(['1', '2', '3']);
    expect(await token).toBe('cancelled');
  });

  it('costs nothing that the catalogue has lost: failures beyond the last page are nobody’s', async () => {
    await start();
    pica.integrations = 350;
    await tokens.create(ADA);
    pica.integrations = 150;
    pica.fault({ path: '/v1/authkit', page: 3, status: 404 });
    pica.fault({ path: '/v1/authkit', page: 4, hang: true });
    expect((await tokens.create(ADA)).rows).toHaveLength(150);
    pica.reset();
    expect((await tokens.create(ADA)).rows).toHaveLength(150);
    expect(pagesAsked()).toHaveLength(2);
  });

  it('is of one key: another key makes no guess', async () => {
    let key = pica.secretKey;
    await start({ secretKey: () => key });
    await tokens.create(ADA);
    pica.reset();
    key = 'sk_test_other';
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    expect(pagesAsked()).toEqual(['1']);
  });

  it('is not learned from a token that fails', async () => {
    await start();
    pica.fault({ path: '/v1/authkit', page: 3, times: 1, status: 401 });
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    pica.reset();
    pica.fault({ path: '/v1/authkit', page: 1, status: 401 });
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    expect(pagesAsked()).toEqual(['1']);
  });
});
