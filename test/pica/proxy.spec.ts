import type { ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AuthKitHttpOptions } from '../../lib/index.js';
import {
  bootError,
  createApp,
  createTokenService,
  reasonOf,
} from '../support/app.js';
import { CERTIFICATE } from '../support/certificate.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { captureOutput } from '../support/mocks.js';
import { startProxy, startTls, type LoggingProxy } from '../support/proxy.js';
import { until } from '../support/until.js';

const ADA = { identity: 'ada' };
const BASE_URL = 'https://pica.test';
const SECRET = 'sk_test_behind_the_proxy';

const pica = useEmulator({ integrations: 7, secretKey: SECRET });

/** Sets the environment's variables for proxies, and unsets the others. */
function setProxies(variables: Record<string, string>): void {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'];
  for (const name of names) {
    setEnvironment({ [name]: undefined, [name.toLowerCase()]: undefined });
  }
  setEnvironment(variables);
}

/** An agent that trusts the certificate of `pica.test`. */
function trustingAgent(options: object = {}): HttpsAgent {
  const agent = new HttpsAgent({ ca: CERTIFICATE, ...options });
  afterTest(() => agent.destroy());
  return agent;
}

/** A token service that reaches the emulator as `https://pica.test`, through a proxy alone. */
function createTokens(http: AuthKitHttpOptions = {}, options: object = {}) {
  return createTokenService(pica, {
    baseUrl: BASE_URL,
    retries: 0,
    http: { httpsAgent: trustingAgent(), ...http },
    ...options,
  });
}

describe('a token behind a proxy', () => {
  let proxy: LoggingProxy;
  beforeEach(async () => {
    proxy = await startProxy(await startTls(pica.port));
  });

  it.each<[string, () => AuthKitHttpOptions]>([
    [
      'HTTPS_PROXY',
      () => {
        setProxies({ HTTPS_PROXY: proxy.url });
        return {};
      },
    ],
    [
      'ALL_PROXY',
      () => {
        setProxies({ ALL_PROXY: proxy.url });
        return {};
      },
    ],
    [
      'the option http.proxy',
      () => {
        setProxies({});
        return { proxy: { host: '127.0.0.1', port: proxy.port } };
      },
    ],
  ])(
    'comes through a tunnel of the proxy of %s, which does not read the secret key',
    async (_name, http) => {
      const tokens = await createTokens(http());
      expect((await tokens.create(ADA)).rows).toHaveLength(7);
      expect(pica.requests.length).toBeGreaterThan(0);
      expect(new Set(proxy.tunnels)).toEqual(new Set(['pica.test:443']));
      expect(proxy.forwarded).toEqual([]);
      expect(proxy.received()).not.toMatch(/sk_test|x-pica-secret|ada|\/v1\//i);
    },
  );

  it('comes through a tunnel of a proxy that speaks TLS, whose certificate the ca of the agent has signed', async () => {
    const port = await startTls(proxy.port);
    setProxies({ HTTPS_PROXY: `https://localhost:${port}` });
    expect((await (await createTokens()).create(ADA)).rows).toHaveLength(7);
    expect(proxy.tunnels).toContain('pica.test:443');
    const untrusting = await createTokens({ httpsAgent: undefined });
    await expect(untrusting.create(ADA)).rejects.toMatchObject({
      upstreamCode: expect.stringMatching(/^PROXY_.*SELF_SIGNED/),
      attempts: 1,
    });
  });

  it('uses the tunnel of the token before it', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    const tokens = await createTokens({}, { cache: { flags: false } });
    await tokens.create(ADA);
    const { length } = proxy.tunnels;
    for (let count = 0; count < 5; count += 1) await tokens.create(ADA);
    expect(proxy.tunnels).toHaveLength(length);
  });

  it('keeps no more tunnels open than the maxSockets of the agent says', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    const httpsAgent = trustingAgent({ maxSockets: 2 });
    const tokens = await createTokens({ httpsAgent });
    await Promise.all(Array.from({ length: 4 }, () => tokens.create(ADA)));
    await Promise.all(Array.from({ length: 30 }, () => tokens.create(ADA)));
    await until(() => proxy.openConnections() <= 2);
    expect(proxy.openConnections()).toBe(2);
  });

  it('fails when the certificate inside the tunnel is not one that the agent trusts', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    const tokens = await createTokens({ httpsAgent: undefined });
    await expect(tokens.create(ADA)).rejects.toMatchObject({
      reason: 'unavailable',
      upstreamCode: expect.stringMatching(/SELF_SIGNED/),
    });
    expect(pica.requests).toHaveLength(0);
  });

  it('sends user and password of the URL to the proxy, decoded, and to nobody else', async () => {
    const url = proxy.url.replace('//', '//ada%40corp:p%3Ass@');
    setProxies({ HTTPS_PROXY: url });
    await (await createTokens()).create(ADA);
    const expected = `Basic ${btoa('ada@corp:p:ss')}`;
    expect(new Set(proxy.credentials)).toEqual(new Set([expected]));
    for (const { headers } of pica.requests) {
      expect(headers).not.toHaveProperty('proxy-authorization');
    }
  });

  it('sends http.proxy.auth to the proxy as it is', async () => {
    setProxies({});
    const auth = { username: 'a%40', password: 'p:@/' };
    const http = { proxy: { host: '127.0.0.1', port: proxy.port, auth } };
    await (await createTokens(http)).create(ADA);
    expect(proxy.credentials[0]).toBe(`Basic ${btoa('a%40:p:@/')}`);
  });

  it('is unavailable after one attempt when the proxy refuses the tunnel with 407, and the log line says why', async () => {
    setProxies({ HTTPS_PROXY: proxy.url.replace('//', '//ada:hunter2@') });
    proxy.behavior = { status: 407 };
    const printed = captureOutput();
    const { tokens } = await createApp({
      pica,
      logs: true,
      options: {
        baseUrl: BASE_URL,
        http: { httpsAgent: trustingAgent() },
        cache: { flags: false },
      },
    });
    await expect(tokens.create(ADA)).rejects.toMatchObject({
      reason: 'unavailable',
      upstreamCode: 'PROXY_STATUS_407',
      attempts: 1,
    });
    expect(printed()).toMatch(/No token: .*HTTPS_PROXY.*PROXY_STATUS_407/);
    expect(printed()).not.toMatch(/hunter2|sk_test/);
    expect(pica.requests).toHaveLength(0);
  });

  it('is retried when the proxy refuses the tunnel with 503 for once', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    const tokens = await createTokens({}, { retries: 3 });
    proxy.behavior = { status: 503 };
    const token = tokens.create(ADA);
    while (proxy.tunnels.length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    proxy.behavior = 'open';
    expect((await token).rows).toHaveLength(7);
  });

  it('is unavailable when the proxy resets the connection', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    proxy.behavior = 'reset';
    await expect((await createTokens()).create(ADA)).rejects.toMatchObject({
      reason: 'unavailable',
      upstreamCode: 'PROXY_ECONNRESET',
    });
  });

  it('is unavailable after 5 s when the proxy does not respond, and no connection to it is left', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    proxy.behavior = 'hang';
    const tokens = await createTokens(
      {},
      { attemptTimeout: 30_000, timeout: 60_000 },
    );
    await expect(tokens.create(ADA)).rejects.toMatchObject({
      reason: 'unavailable',
      upstreamCode: 'PROXY_TIMEOUT',
    });
    while (proxy.openConnections() > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, 30_000);

  it('comes over a new tunnel when the proxy has closed the idle ones', async () => {
    setProxies({ HTTPS_PROXY: proxy.url });
    const tokens = await createTokens();
    await tokens.create(ADA);
    const { length } = proxy.tunnels;
    proxy.closeConnections();
    expect((await tokens.create(ADA)).rows).toHaveLength(7);
    expect(proxy.tunnels.length).toBeGreaterThan(length);
  });

  it('does not come through the proxy when NO_PROXY names the host or the option http.proxy is false', async () => {
    setProxies({
      HTTPS_PROXY: proxy.url,
      NO_PROXY: 'other.test,.pica.test,pica.test',
    });
    await reasonOf((await createTokens()).create(ADA));
    setProxies({ HTTPS_PROXY: proxy.url });
    await reasonOf((await createTokens({ proxy: false })).create(ADA));
    expect(proxy.received()).toBe('');
  });

  it('leaves connections to an agent of a class of the app', async () => {
    setProxies({});
    let used = 0;
    class OwnAgent extends HttpsAgent {
      override createConnection(
        ...[options, ...rest]: Parameters<HttpsAgent['createConnection']>
      ) {
        used += 1;
        const direct = { ...options, host: '127.0.0.1', port: tlsPort };
        return super.createConnection(direct, ...rest);
      }
    }
    const tlsPort = await startTls(pica.port);
    const httpsAgent = new OwnAgent({ ca: CERTIFICATE });
    afterTest(() => httpsAgent.destroy());
    await (await createTokens({ httpsAgent })).create(ADA);
    expect(used).toBeGreaterThan(0);
    expect(proxy.received()).toBe('');
  });

  it("leaves connections to an agent that is none of Node's, such as one of https-proxy-agent 5", async () => {
    setProxies({});
    const direct = trustingAgent();
    const port = await startTls(pica.port);
    // It has neither options nor sockets.
    const httpsAgent = {
      addRequest: (request: ClientRequest, options: object): unknown =>
        (direct as unknown as typeof httpsAgent).addRequest(request, {
          ...options,
          host: '127.0.0.1',
          port,
        }),
    };
    const tokens = await createTokens({ httpsAgent: httpsAgent as never });
    expect((await tokens.create(ADA)).rows).toHaveLength(7);
    expect(proxy.received()).toBe('');
  });
});

describe('a token over plain HTTP', () => {
  it('does not come through the proxy of HTTP_PROXY, which would read the secret key', async () => {
    const proxy = await startProxy(pica.port);
    setProxies({ HTTP_PROXY: proxy.url });
    const tokens = await createTokenService(pica, {
      baseUrl: 'http://pica.test',
      retries: 0,
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
    expect(proxy.received()).toBe('');
  });

  it('comes through the proxy of the option http.proxy', async () => {
    const proxy = await startProxy(pica.port);
    setProxies({});
    const tokens = await createTokenService(pica, {
      baseUrl: 'http://pica.test',
      http: { proxy: { host: '127.0.0.1', port: proxy.port } },
    });
    expect((await tokens.create(ADA)).rows).toHaveLength(7);
    expect(proxy.forwarded.length).toBeGreaterThan(0);
  });
});

describe('an app', () => {
  it.each(['socks5://127.0.0.1:1', 'http://ada:50%@127.0.0.1:1', 'http://:0'])(
    'does not boot with the proxy %s in the environment, and the error does not show it',
    async (url) => {
      setProxies({ ALL_PROXY: url });
      const error = await bootError({ options: { baseUrl: BASE_URL } });
      expect(error?.message).toMatch(/HTTPS_PROXY.*expected http:.*NO_PROXY/);
      expect(error?.message).not.toContain(url);
    },
  );

  it.each([
    {},
    { host: '' },
    { host: 'proxy', port: 'x' },
    { host: 'proxy', port: 1, protocol: 'socks5' },
  ])('does not boot with the option http.proxy %j', async (proxy) => {
    const error = await bootError({
      options: { http: { proxy: proxy as never } },
    });
    expect(error?.message).toMatch(
      /http\.proxy: given an object; it must be false, or an object/,
    );
  });
});
