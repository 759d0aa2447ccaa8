import * as fc from 'fast-check';
import { request as httpRequest } from 'node:http';
import {
  AuthKitConnectionsService,
  AuthKitPassthroughService,
  type AuthKitCallInit,
} from '../../lib/index.js';
import { createApp, reasonOf } from '../support/app.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { captureOutput } from '../support/mocks.js';
import {
  ACTION,
  ADA,
  createPassthrough,
  GMAIL,
  LABELS,
  platformCalls,
  startRawPica,
} from '../support/passthrough.js';
import { startServer } from '../support/server.js';
import { traceEvents } from '../support/trace.js';

const pica = useEmulator();

describe('a call to a hostile platform', () => {
  it.each([301, 302, 303, 307, 308])(
    'follows no %i, and sends no key on',
    async (status) => {
      const received: string[] = [];
      const evil = await startServer((request, response) => {
        received.push(request.url!);
        response.end();
      });
      const raw = await startRawPica((_, response) => {
        response.writeHead(status, { location: `${evil}/stolen` });
        response.end();
      });
      const service = await createPassthrough(raw);
      for (const method of ['GET', 'POST']) {
        const init = { action: ACTION, method };
        const response = await service.fetch(ADA, GMAIL, 'x', init);
        expect(response.status).toBe(status);
        expect(response.headers.get('location')).toBe(`${evil}/stolen`);
      }
      expect(received).toEqual([]);
    },
  );

  it('shows no key that a header repeats, percent-encoded or twice', async () => {
    const raw = await startRawPica((request, response) => {
      const key = request.headers['x-pica-connection-key'] as string;
      response.setHeader('location', `/x?key=${encodeURIComponent(key)}`);
      response.setHeader('x-echo', [`a ${key}`, 'b']);
      response.setHeader('x-fine', 'a%zz');
      response.end();
    });
    const service = await createPassthrough(raw);
    const init = { action: ACTION };
    const { headers } = await service.fetch(ADA, GMAIL, 'x', init);
    const shown = ['location', 'x-echo', 'x-fine'];
    expect(shown.map((name) => headers.get(name))).toEqual([
      null,
      null,
      'a%zz',
    ]);
  });

  it.each(['TRACE', 'CONNECT', 'TRACK', 'trace'])(
    'is not made by %s, whose response would repeat the keys',
    async (method) => {
      pica.connect('ada', 'gmail');
      const service = await createPassthrough(pica);
      const call = service.fetch(ADA, GMAIL, LABELS, { method });
      expect(await reasonOf(call)).toBe('invalid_argument');
      expect(pica.requests).toEqual([]);
    },
  );

  it.each<[string, AuthKitCallInit]>([
    ['a header with underscores', { headers: { x_pica_secret: 'x' } }],
    ['Transfer_Encoding', { headers: { Transfer_Encoding: 'chunked' } }],
    ['json that is circular', { method: 'POST', json: circular() }],
    ['json that is a function', { method: 'POST', json: () => {} }],
    ['a timeout in text', { timeout: '5' as never }],
    ['an action with a line break', { action: 'x\r\nx-evil: 1' }],
    ['a row with a line break', { action: { ...ACTION, systemId: 'a\nb' } }],
    ['a param with half a character', { pathParams: { id: '\ud800' } }],
    ['a query of functions', { query: { a: (() => 1) as never } }],
  ])('refuses %s', async (_, init) => {
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const path = init.pathParams ? 'gmail/v1/users/{{id}}/labels' : LABELS;
    const call = service.fetch(ADA, GMAIL, path, init);
    expect(await reasonOf(call)).toBe('invalid_argument');
    expect(platformCalls(pica)).toEqual([]);
  });

  it.each(['a/..;/b', 'a/..;x=1/b', 'a/%2e%2e;/b', '.;/a'])(
    'refuses the path %s, of which some servers make another',
    async (path) => {
      pica.connect('ada', 'gmail');
      const service = await createPassthrough(pica);
      const call = service.fetch(ADA, GMAIL, path);
      expect(await reasonOf(call)).toBe('invalid_argument');
      expect(pica.requests).toEqual([]);
    },
  );

  it.each(['..', '.', '', 'a/b', 'a?b', '../vault', 1, undefined])(
    'lists no actions of the platform %j',
    async (platform) => {
      const service = await createPassthrough(pica);
      const list = service.actions(platform as string);
      expect(await reasonOf(list)).toBe('invalid_argument');
      expect(pica.requests).toEqual([]);
    },
  );

  it.each(['no URL', 'file:///etc/', 'data:text/plain,x', ''])(
    'fetchFor() refuses the base URL %j',
    async (baseUrl) => {
      const service = await createPassthrough(pica);
      expect(() => service.fetchFor(ADA, GMAIL, { baseUrl })).toThrow(
        /^baseUrl must be an absolute http\(s\) URL/,
      );
    },
  );

  it('fetchFor() refuses what is no URL', async () => {
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(ADA, GMAIL, { baseUrl: 'https://a.b/' });
    expect(await reasonOf(fetch('/users'))).toBe('invalid_argument');
  });
});

function circular(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}

describe('the connection of a call', () => {
  it('is never that of somebody else, whoever calls and whatever fails', async () => {
    captureOutput();
    const people = ['ada', 'eve', 'ada ', 'Ada', 'a%20da', 'ada&identity=eve'];
    const owner = fc.record({
      identity: fc.constantFrom(...people),
      identityType: fc.constantFrom('user' as const, 'team' as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(owner, fc.boolean()), { maxLength: 6 }),
        fc.array(fc.record({ owner, by: fc.nat(6), isBroken: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.record({
          ignoreFilters: fc.boolean(),
          fault: fc.constantFrom(undefined, 503, 'reset' as const),
        }),
        async (connected, calls, { ignoreFilters, fault }) => {
          pica.reset();
          pica.ignoreFilters = ignoreFilters;
          const rows = connected.map(([who, isSilent]) => {
            const row = pica.connect(who, 'gmail');
            if (isSilent) pica.breakConnection(row.id, { silently: true });
            return row;
          });
          const app = await createApp({ pica, options: { retries: 1 } });
          const service = app.get(AuthKitPassthroughService);
          if (fault === 503) pica.fault({ times: 1, status: 503 });
          if (fault === 'reset') pica.fault({ times: 1, reset: true });
          for (const { owner: who, by } of calls) {
            const selector = rows[by] ? { id: rows[by].id } : GMAIL;
            const before = platformCalls(pica).length;
            await service.fetch(who, selector, LABELS).catch(() => {});
            for (const { headers } of platformCalls(pica).slice(before)) {
              const key = headers['x-pica-connection-key'];
              const used = rows.find((row) => row.key === key)!;
              expect([used.identity, used.identityType]).toEqual([
                who.identity,
                who.identityType,
              ]);
            }
          }
          await app.close();
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it('is looked up once for callers at the same time, of whom one leaves and one has no time', async () => {
    captureOutput();
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    pica.latency = 300;
    const caller = new AbortController();
    const init = { signal: caller.signal };
    const leaving = reasonOf(service.fetch(ADA, GMAIL, LABELS, init));
    const hurried = reasonOf(
      service.fetch(ADA, GMAIL, LABELS, { timeout: 100 }),
    );
    const patient = [1, 2, 3].map(() => service.fetch(ADA, GMAIL, LABELS));
    await new Promise((resolve) => setTimeout(resolve, 50));
    caller.abort();
    expect([await leaving, await hurried]).toEqual(['cancelled', 'timed_out']);
    const responses = await Promise.all(patient);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    const lookUps = pica.requests.filter(({ path }) => path.includes('vault'));
    const lists = pica.requests.filter(({ path }) => path.includes('actions'));
    // The active connections, and the inactive ones.
    expect([lookUps.length, lists.length]).toEqual([2, 1]);
  });

  it.each(['update', 'delete', 'confirm'])(
    'is looked up again after %s()',
    async (operation) => {
      const { id, key } = pica.connect('ada', 'gmail');
      const app = await createApp({ pica });
      const service = app.get(AuthKitPassthroughService);
      const connections = app.get(AuthKitConnectionsService);
      await service.fetch(ADA, GMAIL, LABELS);
      if (operation === 'update') {
        await connections.update(ADA, id, { name: 'x' });
      }
      if (operation === 'delete') await connections.delete(ADA, id);
      if (operation === 'confirm') await connections.confirm(ADA, key);
      const calls = platformCalls(pica).length;
      const before = pica.requests.length;
      const call = reasonOf(service.fetch(ADA, GMAIL, LABELS));
      const isDeleted = operation === 'delete';
      expect(await call).toBe(isDeleted ? 'not_connected' : 'none');
      expect(pica.requests).toHaveLength(before + (isDeleted ? 2 : 3));
      expect(platformCalls(pica)).toHaveLength(calls + (isDeleted ? 0 : 1));
    },
  );
});

describe('a connection that is lost', () => {
  const losses = () => {
    const told: string[] = [];
    return {
      told,
      options: {
        onConnectionLost: ({ id }: { id: string }, owner: object) =>
          void told.push(`${id} ${JSON.stringify(owner)}`),
      },
    };
  };

  it('is looked up once more, and called by its new key', async () => {
    const old = pica.connect('ada', 'gmail');
    const { told, options } = losses();
    const service = await createPassthrough(pica, options);
    await service.fetch(ADA, GMAIL, LABELS);
    // Another process: the user has connected again.
    const headers = { 'x-pica-secret': pica.secretKey };
    await remove(`${pica.url}/v1/vault/connections/${old.id}`, headers);
    const next = pica.connect('ada', 'gmail');
    const response = await service.fetch(ADA, GMAIL, LABELS);
    expect(response.status).toBe(200);
    const keys = platformCalls(pica).map(
      ({ headers }) => headers['x-pica-connection-key'],
    );
    expect(keys).toEqual([old.key, old.key, next.key]);
    expect(told).toEqual([]);
  });

  it('is not called again if a stream was sent', async () => {
    captureOutput();
    pica.platform('gmail', 'POST', '/x', () => ({ body: 'ok' }));
    const old = pica.connect('ada', 'gmail');
    const { told, options } = losses();
    const service = await createPassthrough(pica, options);
    await service.fetch(ADA, GMAIL, LABELS);
    const headers = { 'x-pica-secret': pica.secretKey };
    await remove(`${pica.url}/v1/vault/connections/${old.id}`, headers);
    pica.connect('ada', 'gmail');
    const upload = () => ({ method: 'POST', body: new Blob(['a']).stream() });
    const first = service.fetch(ADA, GMAIL, 'x', upload());
    expect(await reasonOf(first)).toBe('unavailable');
    const second = service.fetch(ADA, GMAIL, 'x', upload());
    expect(await reasonOf(second)).toBe('none');
    expect(told).toEqual([]);
  });

  it('ends in `reconnect_required`, and is told once an hour, however slow the listener is', async () => {
    captureOutput();
    const { id } = pica.connect('ada', 'gmail');
    const { told, options } = losses();
    const onConnectionLost = async (...loss: [{ id: string }, object]) => {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      options.onConnectionLost(...loss);
      throw new Error('of the app');
    };
    const service = await createPassthrough(pica, { onConnectionLost });
    pica.breakConnection(id, { silently: true });
    const call = () =>
      reasonOf(service.fetch(ADA, GMAIL, LABELS, { timeout: 2_000 }));
    await service.actions('gmail', { identity: ADA });
    expect(await call()).toBe('reconnect_required');
    expect(await call()).toBe('reconnect_required');
    expect(told).toEqual([`${id} {"identity":"ada"}`]);
  });

  it('that the user has deleted is `not_connected`, and nobody is told', async () => {
    captureOutput();
    const { id } = pica.connect('ada', 'gmail');
    const { told, options } = losses();
    const service = await createPassthrough(pica, options);
    await service.fetch(ADA, GMAIL, LABELS);
    const headers = { 'x-pica-secret': pica.secretKey };
    await remove(`${pica.url}/v1/vault/connections/${id}`, headers);
    const call = service.fetch(ADA, GMAIL, LABELS);
    expect(await reasonOf(call)).toBe('not_connected');
    expect(told).toEqual([]);
  });

  it('is left out where another one works', async () => {
    captureOutput();
    const lost = pica.connect('ada', 'gmail');
    pica.breakConnection(lost.id, { silently: true });
    const service = await createPassthrough(pica);
    const first = service.fetch(ADA, { id: lost.id }, LABELS);
    expect(await reasonOf(first)).toBe('reconnect_required');
    pica.connect('ada', 'gmail');
    expect((await service.fetch(ADA, GMAIL, LABELS)).status).toBe(200);
  });

  it('is not called if its row has failed', async () => {
    captureOutput();
    const { id } = pica.connect('ada', 'gmail', { state: 'failed' });
    const service = await createPassthrough(pica);
    for (const selector of [GMAIL, { id }]) {
      const call = service.fetch(ADA, selector, LABELS);
      expect(await reasonOf(call)).toBe('reconnect_required');
    }
    expect(platformCalls(pica)).toEqual([]);
  });
});

function remove(url: string, headers: Record<string, string>) {
  return new Promise((resolve) =>
    httpRequest(url, { method: 'DELETE', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end(),
  );
}

describe('actions', () => {
  it('are listed once for each platform and account, and searched each time', async () => {
    const service = await createPassthrough(pica);
    const [all, other] = await Promise.all([
      service.actions('gmail'),
      service.actions('gmail', { method: 'get' }),
    ]);
    expect(all.length).toBeGreaterThan(other.length);
    expect(other.every(({ method }) => method === 'GET')).toBe(true);
    expect(pica.requests).toHaveLength(1);
    all[0]!.tags.push('changed');
    expect((await service.actions('gmail'))[0]!.tags).not.toContain('changed');
    const found = await service.actions('gmail', { query: 'labels' });
    expect(found.length).toBeGreaterThan(0);
    expect(pica.requests.at(-1)!.path).toContain('/search/gmail');
  });

  it('with the tag custom take json alone, and get the connection key', async () => {
    const bodies: unknown[] = [];
    const action = pica.platform(
      'gmail',
      'POST',
      '/custom',
      async (request) => {
        bodies.push([request.headers['content-type'], await request.json()]);
        return { body: 'ok' };
      },
      { tags: ['custom'], systemId: 'conn_mod_def::custom::1' },
    );
    const { key: connectionKey } = pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const call = (init: AuthKitCallInit) =>
      service.fetch(ADA, GMAIL, 'custom', { method: 'POST', ...init });
    const inits: AuthKitCallInit[] = [
      { json: { a: 1 } },
      { json: { a: 1 }, action: 'custom::1' },
      { json: { a: 1 }, action: action.systemId },
      {},
    ];
    for (const init of inits) {
      expect((await call(init)).status).toBe(200);
    }
    const type = 'application/json';
    const whole = [type, { a: 1, connectionKey }];
    expect(bodies).toEqual([whole, whole, whole, [type, { connectionKey }]]);
    for (const init of [
      { body: '{}' },
      { json: [1] },
      { json: { connectionKey: 'test::gmail::default::eve' } },
    ]) {
      expect(await reasonOf(call(init))).toBe('invalid_argument');
    }
    expect(bodies).toHaveLength(4);
  });

  it.each([
    ['some::id', 'conn_mod_def::some::id'],
    ['conn_mod_def::some::id', 'conn_mod_def::some::id'],
    ['plain', 'plain'],
  ])('of the unknown id %s are sent as %s', async (action, sent) => {
    captureOutput();
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const call = service.fetch(ADA, GMAIL, LABELS, { action });
    expect(await reasonOf(call)).toBe('rejected');
    const { headers } = platformCalls(pica)[0]!;
    expect(headers).toMatchObject({ 'x-pica-action-id': sent });
  });

  it('of a row are called at its path, with path params', async () => {
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const rows = await service.actions('gmail', { method: 'GET' });
    const row = rows.find(({ path }) => path.endsWith('/labels'))!;
    const response = await service.fetch(ADA, GMAIL, row.path, {
      action: row,
      pathParams: { userId: 'me' },
    });
    expect(response.status).toBe(200);
  });
});

describe('what can be seen of a call', () => {
  it('is its platform, method, action and status, and nothing of its owner, path, headers or body', async () => {
    captureOutput();
    const { key } = pica.connect('ada', 'gmail');
    pica.platform('gmail', 'POST', '/secret/path', () => ({
      status: 404,
      body: 'secret response',
    }));
    const events = traceEvents(['passthrough', 'upstream']);
    const service = await createPassthrough(pica, {
      labels: () => ({ plan: 'free' }),
    });
    await service.fetch(ADA, GMAIL, 'secret/path', {
      method: 'POST',
      headers: { 'x-note': 'secret header' },
      body: 'secret body',
    });
    const ends = events.filter(({ event }) => event === 'asyncEnd');
    const call = ends.find(({ channel }) => channel === 'passthrough')!;
    expect(call.context).toMatchObject({
      operation: 'fetch',
      platform: 'gmail',
      method: 'POST',
      action: expect.stringMatching(/^conn_mod_def::/),
      status: 404,
      reason: undefined,
      labels: { plan: 'free' },
    });
    const names = ends.map(({ context }) => context.operation);
    expect(names).toContain('POST /v1/passthrough');
    const shown = JSON.stringify(events.map(({ context }) => context));
    for (const hidden of ['ada', 'secret', key, pica.secretKey]) {
      // The action is the platform's, and so may name its path.
      const action = call.context.action!;
      expect(shown.replaceAll(action, '')).not.toContain(hidden);
    }
    const failing = service.fetch({ identity: 'eve' }, GMAIL, LABELS);
    expect(await reasonOf(failing)).toBe('not_connected');
    expect(events.at(-1)!.context).toMatchObject({ reason: 'not_connected' });
  });
});

describe('tenants', () => {
  it('call by the secret key of their own', async () => {
    const keys = ['sk_test_first_account_0001', 'sk_test_other_account_0002'];
    const accounts = keys.map((secretKey) => ({ secretKey }));
    const pica = await startEmulator({ accounts });
    const other = pica.account(keys[1]);
    pica.connect('ada', 'gmail', { secretKey: other.secretKey });
    const service = await createPassthrough(pica, {
      secretKey: (identity) =>
        identity?.tenant === 'b' ? other.secretKey : pica.secretKey,
    });
    const call = (tenant: string) =>
      service.fetch({ identity: 'ada', tenant }, GMAIL, LABELS);
    expect(await reasonOf(call('a'))).toBe('not_connected');
    expect(await reasonOf(call('b'))).toBe('none');
    const { headers } = platformCalls(pica)[0]!;
    expect(headers).toMatchObject({ 'x-pica-secret': other.secretKey });
    expect(await reasonOf(service.actions('gmail'))).toBe('invalid_argument');
  });

  it('of One call with the headers of their scope', async () => {
    const one = await startEmulator({ vendor: 'one' });
    const organizationId = 'org_b';
    one.connect('ada', 'gmail', { organizationId });
    const service = await createPassthrough(one, {
      scope: (identity) => ({ organizationId: `org_${identity?.tenant}` }),
    });
    const call = (tenant: string) =>
      service.fetch({ identity: 'ada', tenant }, GMAIL, LABELS);
    expect(await reasonOf(call('a'))).toBe('not_connected');
    expect(await reasonOf(call('b'))).toBe('none');
    const calls = platformCalls(one);
    expect(calls).toHaveLength(1);
    expect(Object.values(calls[0]!.headers)).toContain(organizationId);
  });
});
