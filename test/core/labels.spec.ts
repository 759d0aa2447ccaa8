import { AuthKitException, type AuthKitIdentity } from '../../lib/index.js';
import {
  createApp,
  createTokenService,
  reasonOf,
  startApp,
  type AppSettings,
  type TestOptions,
} from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { bearer, forge, now } from '../support/grants.js';
import { requestToken } from '../support/http.js';
import { captureOutput, captureWarnings } from '../support/mocks.js';
import { traceEvents } from '../support/trace.js';

const pica = useEmulator({ integrations: 20 });
const ADA = { identity: 'ada', tenant: 'acme' };
const labels = (identity?: AuthKitIdentity) => ({
  tenant: identity!.tenant!,
});

/** Fails a token, and returns what the app has logged. */
async function logOf(
  options: TestOptions,
  upstream: AppSettings['pica'] = pica,
) {
  const output = captureOutput();
  const { tokens } = await createApp({
    pica: upstream,
    options: { retries: 0, ...options },
    logs: true,
  });
  expect(await reasonOf(tokens.create(ADA))).not.toBe('none');
  return output();
}

describe('the option `labels`', () => {
  it('is on the events of tokens and their calls, without the identity', async () => {
    const tokens = await createTokenService(pica, { labels });
    const events = traceEvents(['token', 'upstream']);
    await tokens.create(ADA);
    expect(new Set(events.map(({ channel }) => channel)).size).toBe(2);
    for (const { context } of events) {
      expect(context.labels).toEqual({ tenant: 'acme' });
    }
    expect(JSON.stringify(events)).not.toContain('ada');
  });

  it('ends the log line of a failure: whose key is rejected shows', async () => {
    pica.fault({ path: '/v1/authkit', status: 401 });
    const printed = await logOf({ labels, secretKey: () => pica.secretKey });
    expect(printed).toMatch(
      /No token: secret_rejected \(.*\) tenant="acme"\. .*the secretKey function/,
    );
  });

  it('has at most 5 names and values of 64 characters, without line breaks', async () => {
    const long = 'x'.repeat(100);
    const tokens = await createTokenService(pica, {
      labels: () =>
        Object.fromEntries(
          [1, 2, 3, 4, 5, 6].map((index) => [`${index}${long}`, `\n${long}`]),
        ),
    });
    const [{ context }] = await tracesOf(() => tokens.create(ADA));
    const entries = Object.entries(context.labels);
    expect(entries).toHaveLength(5);
    for (const text of entries.flat()) {
      expect(text.length).toBeLessThanOrEqual(70);
      expect(text).not.toMatch(/\n|x{65}/);
    }
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('sk_live_secret');
      },
    ],
    ['returns nothing', () => undefined],
    ['returns null', () => null],
  ])('that %s fails no token', async (_name, given) => {
    const warnings = captureWarnings();
    const tokens = await createTokenService(pica, { labels: given as never });
    const [{ context }] = await tracesOf(() => tokens.create(ADA));
    expect(context.labels).toEqual({});
    expect(warnings.length).toBeLessThanOrEqual(1);
    expect(warnings.join()).not.toContain('sk_live');
  });

  it('is called with `undefined` for a token without an identity', async () => {
    const tokens = await createTokenService(pica, {
      labels: (identity) => ({ owner: typeof identity }),
    });
    const [{ context }] = await tracesOf(() => tokens.create());
    expect(context.labels).toEqual({ owner: 'undefined' });
  });

  async function tracesOf(run: () => Promise<unknown>) {
    const events = traceEvents(['token']);
    await run();
    return events as [(typeof events)[0], ...typeof events];
  }
});

describe('what a function of the options throws', () => {
  class VaultError extends Error {}

  it.each(['secretKey', 'scope', 'connection'] as const)(
    'keeps, of %s, the name of its type in the log, and nothing else',
    async (option) => {
      const fail = () => {
        throw new VaultError('sk_live_secret');
      };
      const printed = await logOf(
        { [option]: fail },
        {
          secretKey: pica.secretKey,
          url: pica.url,
          vendor: option === 'scope' ? 'one' : 'pica',
        },
      );
      expect(printed).toContain(`the ${option} function threw VaultError`);
      expect(printed).not.toContain('sk_live_secret');
    },
  );

  it('is the failure of the request if it is an AuthKitException', async () => {
    const tokens = await createTokenService(pica, {
      secretKey: async () => {
        throw new AuthKitException('invalid_identity');
      },
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('invalid_identity');
    expect(pica.requests).toEqual([]);
  });
});

describe('the log line of a failed call', () => {
  it('names host and path if the service is not available', async () => {
    const url = 'http://127.0.0.1:1';
    const printed = await logOf({ baseUrl: url });
    expect(printed).toMatch(
      /No token: unavailable \(.*127\.0\.0\.1:1\/v1\/authkit/,
    );
  });

  it('names host and path of a 404, below a path of the `baseUrl` too', async () => {
    pica.fault({ status: 404 });
    const printed = await logOf({ baseUrl: `${pica.url}/proxied` });
    const { host } = new URL(pica.url);
    expect(printed).toContain(`${host}/proxied/v1/authkit`);
  });

  it('names neither for another failure', async () => {
    pica.fault({ path: '/v1/authkit', status: 400 });
    const printed = await logOf({});
    expect(printed).toContain('No token: rejected');
    expect(printed).not.toContain('127.0.0.1');
  });
});

it('refused grants are counted by the channel of grants', async () => {
  const { tokenUrl } = await startApp({
    pica,
    options: { grant: { singleUse: true } },
    controller: { grants: true },
  });
  const good = await forge();
  const grants = [good, good, await forge({ exp: now() - 60 }), 'no.jwt.here'];
  const events = traceEvents(['grant']);
  const statuses: number[] = [];
  for (const grant of grants) {
    const { status } = await requestToken(tokenUrl, { headers: bearer(grant) });
    statuses.push(status);
  }
  expect(statuses).toEqual([200, 401, 401, 401]);
  const refused = events.filter(({ event }) => event === 'error');
  expect(refused).toHaveLength(3);
  for (const { context } of refused) {
    expect(context).toMatchObject({
      operation: 'verify',
      reason: 'unidentified',
      registration: 'default',
    });
  }
  expect(JSON.stringify(events)).not.toContain(good);
});
