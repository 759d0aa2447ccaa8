import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import {
  createTokenService,
  OFFICIAL_REQUESTS,
  reasonOf,
} from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { until } from '../support/until.js';

const pica = useEmulator({
  requestId: ({ query }) => `oauth_req_${query.page}`,
});
const ADA = { identity: 'ada' };

/** The numbers of the pages that were requested since the emulator had received a number of requests. */
const pagesSince = (count = 0) =>
  pica.requests
    .slice(count)
    .map(({ query }) => query.page)
    .filter(Boolean)
    .sort();

describe.each([true, false])('with pageHint: %s', (pageHint) => {
  it.each([
    ['grow', 247, 350],
    ['grow by less than a page', 247, 260],
    ['shrink', 350, 120],
    ['shrink to nothing', 247, 0],
  ])(
    'a token equals the official package’s when the integrations %s during the token',
    async (_name, before, after) => {
      const official = new OfficialAuthKitToken(pica.secretKey, {
        baseUrl: pica.url,
      });
      const tokens = await createTokenService(pica, {
        ...OFFICIAL_REQUESTS,
        pageHint,
      });
      pica.integrations = before;
      await tokens.create(ADA);

      // Page 1 is answered last, after the change.
      pica.fault({ path: '/v1/authkit', page: 1, times: 1, delay: 60 });
      const sent = pica.requests.length;
      const creating = tokens.create(ADA);
      const further = pageHint ? Math.ceil(before / 100) - 1 : 0;
      const pending = () =>
        pica.requests.filter(({ status }) => status === undefined);
      await until(() => pica.requests.length === sent + 2 + further);
      await until(() => pending().length === 1);
      pica.integrations = after;
      expect(await creating).toEqual(await official.create(ADA));
    },
  );
});

describe('the page count of the last token', () => {
  it('lets the next token request all pages at once', async () => {
    const tokens = await createTokenService(pica, OFFICIAL_REQUESTS);
    await tokens.create(ADA);
    const before = pica.requests.length;
    pica.fault({ path: '/v1/authkit', page: 1, hang: true });
    const token = reasonOf(
      tokens.create(ADA, { signal: AbortSignal.timeout(200) }),
    );
    await until(() => pagesSince(before).length === 3);
    expect(pagesSince(before)).toEqual(['1', '2', '3']);
    expect(await token).toBe('cancelled');
  });

  it('does not fail a token with errors of pages that no longer exist', async () => {
    const tokens = await createTokenService(pica, OFFICIAL_REQUESTS);
    pica.integrations = 350;
    await tokens.create(ADA);
    pica.integrations = 150;
    const faults = [
      pica.fault({ path: '/v1/authkit', page: 3, status: 404 }),
      pica.fault({ path: '/v1/authkit', page: 4, hang: true }),
    ];
    expect((await tokens.create(ADA)).rows).toHaveLength(150);
    for (const fault of faults) fault.remove();
    const before = pica.requests.length;
    expect((await tokens.create(ADA)).rows).toHaveLength(150);
    expect(pagesSince(before)).toEqual(['1', '2']);
  });

  it('is not used for another secret key', async () => {
    let secretKey = pica.secretKey;
    const tokens = await createTokenService(pica, {
      ...OFFICIAL_REQUESTS,
      secretKey: () => secretKey,
    });
    await tokens.create(ADA);
    const before = pica.requests.length;
    secretKey = 'sk_test_other';
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    expect(pagesSince(before)).toEqual(['1']);
  });

  it('is not recorded from a token that fails', async () => {
    const tokens = await createTokenService(pica, OFFICIAL_REQUESTS);
    pica.fault({ path: '/v1/authkit', page: 3, times: 1, status: 401 });
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    const before = pica.requests.length;
    pica.fault({ path: '/v1/authkit', page: 1, status: 401 });
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
    expect(pagesSince(before)).toEqual(['1']);
  });
});
