import { getEventListeners } from 'node:events';
import { firstValueFrom } from 'rxjs';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { AuthKitIdentity, type AuthKitModuleOptions } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { stopApps } from '../support/run-app.js';
import { reasonOf, tokenService } from '../support/token-service.js';
import { until } from '../support/until.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

describe('AuthKitTokenService', () => {
  const service = (options: Partial<AuthKitModuleOptions> = {}) =>
    tokenService(pica, options);

  it('gives one page alone where one is asked for', async () => {
    pica.whiteLabel = true;
    const token = await (
      await service()
    ).create({ identity: 'ada' }, { page: 2, limit: 50 });
    expect(token).toMatchObject({
      page: 2,
      pages: 5,
      total: 247,
      isWhiteLabel: true,
    });
    expect(token.rows).toEqual(pica.rows.slice(50, 100));
    pica.whiteLabel = false;
  });

  it('gives the same token as JSON, for controllers that send it as it is', async () => {
    const tokens = await service();
    const json = await tokens.createJson({ identity: 'ada' });
    expect(JSON.parse(json.toString())).toEqual({
      ...(await tokens.create({ identity: 'ada' })),
      requestId: expect.any(String),
    });
    const nobody = tokens.createJson({ identity: '' });
    expect(await reasonOf(nobody)).toBe('unidentified');
  });

  it('gives every caller a token of its own', async () => {
    const tokens = await service();
    const spoilt = await tokens.create({ identity: 'ada' });
    spoilt.rows.length = 0;
    const token = await tokens.create({ identity: 'ada' });
    expect(token.rows).toEqual(pica.rows);
  });

  it('clamps a limit to what Pica gives, and takes senseless numbers for none', async () => {
    const tokens = await service();
    expect(
      (await tokens.create({ identity: 'ada' }, { limit: 999 })).rows,
    ).toHaveLength(150);
    const all = await tokens.create(
      { identity: 'ada' },
      { page: 0, limit: Number.NaN },
    );
    expect(all.rows).toHaveLength(247);
  });

  it('creates a token for nobody in particular only where no identity is passed', async () => {
    const tokens = await service();
    await tokens.create();
    expect(pica.requests.at(-1)?.body).toEqual({});
    const nobody = null as unknown as AuthKitIdentity;
    expect(await reasonOf(tokens.create(nobody))).toBe('unidentified');
    expect(await reasonOf(tokens.create({ identity: '' }))).toBe(
      'unidentified',
    );
  });

  it('takes no options and null for the same', async () => {
    const tokens = await tokenService(pica);
    const none = null as unknown as undefined;
    expect(await reasonOf(tokens.create({ identity: 'ada' }, none))).toBe(
      'none',
    );
  });

  it.each<[string, object]>([
    ['a number', { identity: 42 }],
    ['a control character', { identity: 'a\u0000b' }],
    ['257 characters', { identity: 'x'.repeat(257) }],
    ['a type that is none', { identity: 'ada', identityType: 'admin' }],
  ])('refuses an identity with %s before it asks Pica', async (_name, who) => {
    const tokens = await service();
    expect(await reasonOf(tokens.create(who as AuthKitIdentity))).toBe(
      'invalid_identity',
    );
    expect(pica.requests).toHaveLength(0);
  });

  it('checks an AuthKitIdentity of the app’s making like any other', async () => {
    const tokens = await service();
    const who = Object.assign(new AuthKitIdentity(), { identity: 'a\u0000b' });
    expect(await reasonOf(tokens.create(who))).toBe('invalid_identity');
    who.identity = 'ada';
    expect(await reasonOf(tokens.create(who))).toBe('none');
    who.identity = 'x'.repeat(257);
    expect(await reasonOf(tokens.create(who))).toBe('invalid_identity');
  });

  it('leaves no listener on the caller’s signal', async () => {
    const tokens = await service();
    const { signal } = new AbortController();
    await tokens.create({ identity: 'ada' }, { signal });
    pica.fault({ status: 404 });
    await reasonOf(tokens.create({ identity: 'ada' }, { signal }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('takes the key of each tenant from a function', async () => {
    const keys: unknown[] = [];
    const tokens = await service({
      secretKey: async (who) => {
        keys.push(who?.identity);
        return pica.secretKey;
      },
    });
    await tokens.create({ identity: 'ada' });
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
    ['gives nothing', () => undefined as unknown as string, 'secret_rejected'],
    [
      'gives a key with a line break',
      () => 'sk_live_1\r\nx: y',
      'secret_rejected',
    ],
  ])(
    'fails without a call where the key function %s',
    async (_name, secretKey, reason) => {
      const tokens = await service({ secretKey });
      expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(reason);
      expect(pica.requests).toHaveLength(0);
    },
  );

  it('counts the time of the key function', async () => {
    const tokens = await service({
      secretKey: () => new Promise<string>(() => {}),
      timeout: 50,
    });
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
      'timed_out',
    );
  });

  it('stops at the caller’s signal, and starts nothing where it is given already', async () => {
    const tokens = await service();
    pica.fault({ hang: true });
    const caller = new AbortController();
    const token = reasonOf(
      tokens.create({ identity: 'ada' }, { signal: caller.signal }),
    );
    setTimeout(() => caller.abort(), 30);
    expect(await token).toBe('cancelled');
    pica.reset();
    expect(
      await reasonOf(
        tokens.create({ identity: 'ada' }, { signal: AbortSignal.abort() }),
      ),
    ).toBe('cancelled');
    expect(pica.requests).toHaveLength(0);
  });

  it.each([false, true])(
    'takes no more than 32 MB for a token, catalogue cached: %s',
    async (catalogue) => {
      const row = JSON.stringify({ id: 1, more: 'x'.repeat(3_900_000) });
      pica.fault({
        path: '/v1/authkit',
        body: `{"rows":[${row}],"total":60,"pages":60,"page":1,"requestId":1}`,
      });
      const tokens = await service({ cache: { catalogue } });
      expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
        'malformed',
      );
      expect(pica.requests.length).toBeLessThan(30);
    },
  );

  it('takes agents that are not given for none', async () => {
    const tokens = await service({
      http: { httpAgent: undefined, httpsAgent: undefined, proxy: undefined },
    });
    await tokens.create({ identity: 'ada' });
    await stopApps();
    await until(() => pica.openConnections === 0);
    expect(pica.requests.length).toBeGreaterThan(0);
  });

  it('is not held up by guesses beyond the last page', async () => {
    const tokens = await service({
      concurrency: 2,
      timeout: 1_500,
      retries: 0,
    });
    pica.integrations = 1000;
    await tokens.create({ identity: 'ada' });
    pica.integrations = 150;
    const before = pica.requests.length;
    await tokens.create({ identity: 'ada' });
    pica.integrations = 247;
    const asked = pica.requests.slice(before);
    const pages = asked.filter(({ method }) => method === 'POST');
    expect(pages.length).toBeLessThanOrEqual(4);
  });

  it('keeps no more pages in flight than `concurrency`', async () => {
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
    const tokens = await service({ concurrency: 3 });
    const token = await tokens.create({ identity: 'ada' });
    pica.latency = 0;
    pica.integrations = 247;
    expect(token.rows).toHaveLength(1000);
    expect(most).toBe(3);
  });
});

describe('the global axios of the app', () => {
  it('leaves nothing of its defaults in the calls, and no transform of it sees the secret', async () => {
    const { default: axios } = await import('axios');
    const { HttpService } = await import('@nestjs/axios');
    const { PicaClient } = await import('../../lib/pica/pica.client.js');
    const { Deadline } = await import('../../lib/pica/deadline.js');
    const { resolveOptions } =
      await import('../../lib/authkit.options-validation.js');
    const seen: unknown[] = [];
    // As axios.create() copies them from the global defaults.
    const instance = axios.create({
      auth: { username: 'crm', password: 'crm-password' },
      params: { api_key: 'key-of-another-service' },
      headers: { common: { Authorization: 'Bearer of-the-app' } },
      transformRequest: [
        (data: unknown, headers: unknown) => {
          seen.push(headers);
          return data;
        },
      ],
    });
    const options = resolveOptions({
      secretKey: pica.secretKey,
      baseUrl: pica.url,
    });
    const client = new PicaClient(new HttpService(instance), options);
    const call = {
      secretKey: pica.secretKey,
      deadline: new Deadline(1_000),
      received: { bytes: 0 },
    };
    await firstValueFrom(client.page({ identity: 'ada' }, 1, 100, call));
    client.onApplicationShutdown();
    const [request] = pica.requests;
    expect(request?.query).toEqual({ limit: '100', page: '1' });
    expect(request?.headers).not.toHaveProperty('authorization');
    expect(request?.body).toEqual({ identity: 'ada' });
    expect(seen).toEqual([]);
  });
});

describe('a proxy in the environment', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it('is not asked for a Pica on this machine', async () => {
    const proxy = await PicaEmulator.start();
    process.env.HTTP_PROXY = process.env.http_proxy = proxy.url;
    delete process.env.NO_PROXY;
    delete process.env.no_proxy;
    const tokens = await tokenService(pica);
    expect((await tokens.create({ identity: 'ada' })).rows).toHaveLength(247);
    expect(proxy.requests).toHaveLength(0);
    await proxy.stop();
  });

  it('is asked where the `http` option says so', async () => {
    const proxy = await PicaEmulator.start({ integrations: 7 });
    const tokens = await tokenService(pica, {
      http: {
        proxy: { host: '127.0.0.1', port: proxy.port, protocol: 'http' },
      },
    });
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).not.toBe('none');
    expect(proxy.requests.length).toBeGreaterThan(0);
    expect(pica.requests).toHaveLength(0);
    await proxy.stop();
  });
});
