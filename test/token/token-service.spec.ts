import { LIMITS } from '../../lib/options/limits.js';
import { getEventListeners } from 'node:events';
import { AuthKitIdentity } from '../../lib/index.js';
import {
  createApp,
  createTokenService,
  reasonOf,
  type TestOptions,
} from '../support/app.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { until } from '../support/until.js';

const pica = useEmulator();
const ADA = { identity: 'ada' };

describe('AuthKitTokenService', () => {
  const service = (options?: TestOptions) => createTokenService(pica, options);

  it('returns a single page when `page` is given', async () => {
    pica.whiteLabel = true;
    const token = await (await service()).create(ADA, { page: 2, limit: 50 });
    expect(token).toMatchObject({
      page: 2,
      pages: 5,
      total: 247,
      isWhiteLabel: true,
    });
    expect(token.rows).toEqual(pica.rows.slice(50, 100));
  });

  it('returns the same token as JSON from createJson(), and the same errors', async () => {
    const tokens = await service();
    const json = await tokens.createJson(ADA);
    expect(JSON.parse(json.toString())).toEqual({
      ...(await tokens.create(ADA)),
      requestId: expect.any(String),
    });
    const anonymous = tokens.createJson({ identity: '' });
    expect(await reasonOf(anonymous)).toBe('unidentified');
  });

  it('returns a new token to every caller, so that changes to one do not reach another', async () => {
    const tokens = await service();
    const spoilt = await tokens.create(ADA);
    spoilt.rows.length = 0;
    const token = await tokens.create(ADA);
    expect(token.rows).toEqual(pica.rows);
  });

  it('limits `limit` to 150 and ignores numbers that are not a page or a limit', async () => {
    const tokens = await service();
    expect((await tokens.create(ADA, { limit: 999 })).rows).toHaveLength(150);
    const all = await tokens.create(ADA, { page: 0, limit: Number.NaN });
    expect(all.rows).toHaveLength(247);
  });

  it('creates a token without an identity only when no argument is passed', async () => {
    const tokens = await service();
    await tokens.create();
    expect(pica.requests.at(-1)?.body).toEqual({});
    const anonymous = null as unknown as AuthKitIdentity;
    expect(await reasonOf(tokens.create(anonymous))).toBe('unidentified');
    expect(await reasonOf(tokens.create({ identity: '' }))).toBe(
      'unidentified',
    );
  });

  it('treats null like missing options', async () => {
    const tokens = await createTokenService(pica);
    const none = null as unknown as undefined;
    expect(await reasonOf(tokens.create(ADA, none))).toBe('none');
  });

  it.each<[string, object]>([
    ['a number', { identity: 42 }],
    ['a control character', { identity: 'a\u0000b' }],
    ['257 characters', { identity: 'x'.repeat(257) }],
    ['a type that is none', { identity: 'ada', identityType: 'admin' }],
  ])(
    'rejects an identity with %s without a request to Pica',
    async (_name, identity) => {
      const tokens = await service();
      expect(await reasonOf(tokens.create(identity as AuthKitIdentity))).toBe(
        'invalid_identity',
      );
      expect(pica.requests).toHaveLength(0);
    },
  );

  it('validates an AuthKitIdentity that the app has created, each time it is passed', async () => {
    const tokens = await service();
    const identity = Object.assign(new AuthKitIdentity(), {
      identity: 'a\u0000b',
    });
    expect(await reasonOf(tokens.create(identity))).toBe('invalid_identity');
    identity.identity = 'ada';
    expect(await reasonOf(tokens.create(identity))).toBe('none');
    identity.identity = 'x'.repeat(257);
    expect(await reasonOf(tokens.create(identity))).toBe('invalid_identity');
  });

  it('leaves no listener on the caller’s signal after success or failure', async () => {
    const tokens = await service();
    const { signal } = new AbortController();
    await tokens.create(ADA, { signal });
    pica.fault({ status: 404 });
    await reasonOf(tokens.create(ADA, { signal }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('calls the secretKey function with the identity of each token', async () => {
    const keys: unknown[] = [];
    const tokens = await service({
      secretKey: async (identity) => {
        keys.push(identity?.identity);
        return pica.secretKey;
      },
    });
    await tokens.create(ADA);
    await tokens.create();
    expect(keys).toEqual(['ada', undefined]);
  });

  it.each<[string, () => string, string]>([
    [
      'throws',
      () => {
        throw new Error('vault: sk_live_leak');
      },
      'unavailable',
    ],
    [
      'returns undefined',
      () => undefined as unknown as string,
      'secret_rejected',
    ],
    [
      'returns a key with a line break',
      () => 'sk_live_1\r\nx: y',
      'secret_rejected',
    ],
  ])(
    'fails without a request to Pica when the secretKey function %s',
    async (_name, secretKey, reason) => {
      const tokens = await service({ secretKey });
      expect(await reasonOf(tokens.create(ADA))).toBe(reason);
      expect(pica.requests).toHaveLength(0);
    },
  );

  it('counts the time of the secretKey function toward `timeout`', async () => {
    const tokens = await service({
      secretKey: () => new Promise<string>(() => {}),
      timeout: 50,
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('timed_out');
  });

  it('is cancelled by the caller’s signal, and sends nothing when that is aborted already', async () => {
    const tokens = await service();
    pica.fault({ hang: true });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    setTimeout(() => caller.abort(), 30);
    expect(await token).toBe('cancelled');
    pica.reset();
    expect(
      await reasonOf(tokens.create(ADA, { signal: AbortSignal.abort() })),
    ).toBe('cancelled');
    expect(pica.requests).toHaveLength(0);
  });

  it('rejects an upstream that sends more than 32 MB for a token', async () => {
    const row = JSON.stringify({ id: 1, more: 'x'.repeat(3_900_000) });
    pica.fault({
      path: '/v1/authkit',
      body: `{"rows":[${row}],"total":60,"pages":60,"page":1,"requestId":1}`,
    });
    const tokens = await service();
    expect(await reasonOf(tokens.create(ADA))).toBe('malformed');
    expect(pica.requests.length).toBeLessThan(30);
  });

  it('uses its own agents when those of `http` are undefined, and closes them with the app', async () => {
    const { tokens, close } = await createApp({
      pica,
      options: {
        http: { httpAgent: undefined, httpsAgent: undefined, proxy: undefined },
      },
    });
    await tokens.create(ADA);
    await close();
    await until(() => pica.openConnections === 0);
    expect(pica.requests.length).toBeGreaterThan(0);
  });

  it('stops prefetching pages that no longer exist once the list has shrunk', async () => {
    const tokens = await service({
      [LIMITS]: { concurrency: 2 },
      timeout: 1_500,
      retries: 0,
    });
    pica.integrations = 1000;
    await tokens.create(ADA);
    pica.integrations = 150;
    const before = pica.requests.length;
    await tokens.create(ADA);
    const pages = pica.requests
      .slice(before)
      .filter(({ method }) => method === 'POST');
    expect(pages.length).toBeLessThanOrEqual(4);
  });

  it('has no more page requests in flight than `concurrency`', async () => {
    pica.integrations = 1000;
    let most = 0;
    pica.fault({
      when: () => {
        const open = pica.requests.filter(({ status }) => status === undefined);
        most = Math.max(most, open.length);
        return false;
      },
      delay: 1,
    });
    pica.latency = 10;
    const tokens = await service({ [LIMITS]: { concurrency: 3 } });
    const token = await tokens.create(ADA);
    expect(token.rows).toHaveLength(1000);
    expect(most).toBe(3);
  });
});

describe('a proxy in the environment', () => {
  it('is not used for an upstream on the loopback interface', async () => {
    const proxy = await startEmulator();
    setEnvironment({
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      NO_PROXY: undefined,
      no_proxy: undefined,
    });
    const tokens = await createTokenService(pica);
    expect((await tokens.create(ADA)).rows).toHaveLength(247);
    expect(proxy.requests).toHaveLength(0);
  });

  it('is used when the option `http` names it', async () => {
    const proxy = await startEmulator({ integrations: 7 });
    const tokens = await createTokenService(pica, {
      http: {
        proxy: { host: '127.0.0.1', port: proxy.port, protocol: 'http' },
      },
    });
    expect(await reasonOf(tokens.create(ADA))).not.toBe('none');
    expect(proxy.requests.length).toBeGreaterThan(0);
    expect(pica.requests).toHaveLength(0);
  });
});
