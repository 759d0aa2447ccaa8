import { jest } from '@jest/globals';
import type { GrantClaims } from '../../lib/grant/grant-jwt.js';
import { GrantVerifier } from '../../lib/grant/grant-verifier.js';
import { UsedGrants } from '../../lib/grant/used-grants.js';
import type { AuthKitIdentity } from '../../lib/index.js';
import { abortOnClose } from '../../lib/endpoint/platform-response.js';
import type { GrantUses } from '../../lib/options/grant.options.js';
import {
  createApp,
  PLATFORMS,
  reasonOf,
  startApp,
  type TestOptions,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { bearer, forge, now } from '../support/grants.js';
import { requestGrant, requestToken, WIDGET } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator({ integrations: 1 });
const RATE_LIMITED = { reason: 'rate_limited', retryAfter: 1 };

/** The claims of a verified grant of an identity. */
const claims = (
  jti: string,
  remaining = 60_000,
  identity: AuthKitIdentity = { identity: 'ada' },
): GrantClaims => ({
  identity,
  jti,
  remaining,
  acceptedUntil: Date.now() + remaining,
});

/** As clients of databases have it. */
class RedisError extends Error {}

/** Uses that are shared, which note what they are asked. */
function sharedUses() {
  const calls: [id: string, ttlMs: number][] = [];
  const add = async (id: string, ttlMs: number) => {
    const isNew = calls.every(([known]) => known !== id);
    calls.push([id, ttlMs]);
    return isNew;
  };
  return { calls, add };
}

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = async (singleUse?: boolean | GrantUses) => {
    const app = await startApp({
      pica,
      platform,
      options: { grant: { singleUse } },
      controller: { grants: true },
    });
    return app.tokenUrl;
  };

  it.each([
    ['true', () => true as const],
    ['add()', sharedUses],
  ])(
    'a grant with `singleUse: %s` gives a token to exactly one of 50 concurrent requests, at the calls of one',
    async (_name, create) => {
      const singleUse = create();
      const tokenUrl = await start(singleUse);
      const { body: grant } = await requestGrant(tokenUrl);
      const responses = await Promise.all(
        Array.from({ length: 50 }, () => requestToken(tokenUrl, grant)),
      );
      const refused = responses.filter(({ status }) => status === 401);
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(refused).toHaveLength(49);
      expect(refused[0]?.body).toMatchObject({
        reason: 'unidentified',
        message: expect.stringMatching(/used already.*open the dialog again/i),
      });
      // The flags and two pages.
      expect(pica.requests.length).toBeLessThanOrEqual(3);
      if (singleUse !== true) expect(singleUse.calls).toHaveLength(1);
      const { body: next } = await requestGrant(tokenUrl);
      expect((await requestToken(tokenUrl, next)).status).toBe(200);
    },
  );

  it('a grant is not used up by a token that fails, nor by a preflight', async () => {
    const uses = sharedUses();
    const tokenUrl = await start(uses);
    const { body: grant } = await requestGrant(tokenUrl);
    pica.fault({ path: '/v1/authkit', status: 400 });
    expect((await requestToken(tokenUrl, grant)).status).toBe(502);
    pica.clearFaults();
    const asked = { origin: WIDGET, 'access-control-request-method': 'POST' };
    for (const more of [{}, asked]) {
      const headers = { ...grant.headers, ...more };
      await fetch(tokenUrl, { method: 'OPTIONS', headers });
    }
    expect(uses.calls).toEqual([]);
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
    expect((await requestToken(tokenUrl, grant)).status).toBe(401);
    expect(uses.calls).toHaveLength(1);
  });

  it('a grant is not used up by a client that disconnects before the token is there', async () => {
    const uses = sharedUses();
    const tokenUrl = await start(uses);
    const { body: grant } = await requestGrant(tokenUrl);
    pica.fault({ method: 'POST', hang: true });
    const client = new AbortController();
    const lost = requestToken(tokenUrl, { ...grant, signal: client.signal });
    await until(() => pica.requests.some(({ method }) => method === 'POST'));
    // It is in use for as long as the first request runs.
    expect((await requestToken(tokenUrl, grant)).status).toBe(401);
    client.abort();
    await expect(lost).rejects.toThrow();
    pica.clearFaults();
    let status: number;
    do ({ status } = await requestToken(tokenUrl, grant));
    while (status === 401);
    expect(status).toBe(200);
    expect(uses.calls).toHaveLength(1);
  });

  it('a grant gives any number of tokens by default', async () => {
    const tokenUrl = await start();
    const { body: grant } = await requestGrant(tokenUrl);
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => requestToken(tokenUrl, grant)),
    );
    expect(responses.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
  });
});

describe('`singleUse.add()`', () => {
  const start = (add: GrantUses['add'], options: TestOptions = {}) =>
    startApp({
      pica,
      options: { grant: { singleUse: { add } }, ...options },
      controller: { grants: true },
    });

  it.each([
    ['that is new', 300],
    ['that another instance alone still accepts', -4],
  ])(
    'gets a whole number of ms that lasts until no instance accepts a grant %s',
    async (_name, left) => {
      const uses = sharedUses();
      const { tokenUrl } = await start(uses.add);
      const exp = now() + left;
      const grant = await forge({ exp, iat: exp - 300 });
      const { status } = await requestToken(tokenUrl, {
        headers: bearer(grant),
      });
      expect(status).toBe(200);
      const [[, ttlMs]] = uses.calls as [[string, number]];
      expect(Number.isInteger(ttlMs)).toBe(true);
      // 5 s for the clock of each of two instances.
      expect(Date.now() + ttlMs).toBeGreaterThanOrEqual((exp + 10) * 1_000);
      expect(ttlMs).toBeLessThanOrEqual((left + 11) * 1_000);
    },
  );

  it('refuses a grant that another instance has used, and asks once for all requests of a process', async () => {
    const uses = sharedUses();
    const [one, other] = [await start(uses.add), await start(uses.add)];
    const { body: grant } = await requestGrant(one.tokenUrl);
    expect((await requestToken(one.tokenUrl, grant)).status).toBe(200);
    const refused = await requestToken(other.tokenUrl, grant);
    expect([refused.status, refused.body.reason]).toEqual([
      401,
      'unidentified',
    ]);
    const { length } = pica.requests;
    for (const { tokenUrl } of [one, other]) {
      expect((await requestToken(tokenUrl, grant)).status).toBe(401);
    }
    expect(pica.requests).toHaveLength(length);
    expect(uses.calls).toHaveLength(2);
  });

  it.each<[string, () => unknown, string]>([
    ["returns 'OK'", async () => 'OK', 'returned a string of 2 characters'],
    ['returns 1', async () => 1, 'returned a number'],
    ['returns null', async () => null, 'returned nothing'],
    ['returns nothing', async () => {}, 'returned nothing'],
    [
      'returns an object',
      async () => ({ then: undefined }),
      'returned an object',
    ],
    [
      'throws',
      () => {
        throw new TypeError('redis://:password@host');
      },
      'threw TypeError',
    ],
    [
      'rejects',
      () => Promise.reject(new RedisError('down')),
      'threw RedisError',
    ],
    [
      'throws a string',
      () => Promise.reject('down'),
      'threw a string of 4 characters',
    ],
    ['hangs', () => new Promise(() => {}), 'did not respond within'],
  ])(
    'that %s gives no token, and a line with the type',
    async (_name, add, line) => {
      const { tokenUrl } = await start(add as GrantUses['add'], {
        timeout: 500,
      });
      const { body: grant } = await requestGrant(tokenUrl);
      const warnings = captureWarnings();
      const { status, body } = await requestToken(tokenUrl, grant);
      expect([status, body.reason]).toEqual([502, 'unavailable']);
      expect(body).not.toHaveProperty('rows');
      expect(warnings).toEqual([expect.stringContaining(line)]);
      expect(warnings[0]).not.toMatch(/password|down/);
    },
  );

  it('has one second, however long `timeout` is', async () => {
    const warnings = captureWarnings();
    const { grants } = await createApp({
      pica,
      options: { grant: { singleUse: { add: () => new Promise(() => {}) } } },
      controller: { grants: true },
    });
    const grant = await grants.issue({ identity: 'ada' });
    expect(await reasonOf(grants.verify(grant))).toBe('unavailable');
    expect(warnings.join()).toContain('did not respond within 1000 ms');
  });

  it('is asked again after it has failed', async () => {
    captureWarnings();
    const add = jest
      .fn<GrantUses['add']>()
      .mockRejectedValueOnce(new Error('down'))
      .mockResolvedValue(true);
    const { tokenUrl } = await start(add);
    const { body: grant } = await requestGrant(tokenUrl);
    expect((await requestToken(tokenUrl, grant)).status).toBe(502);
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
  });

  describe('and a client that is gone', () => {
    const redeem = async (
      client: AbortController,
      add: GrantUses['add'],
      createToken: () => Promise<string>,
    ) => {
      const { get } = await createApp({
        pica,
        options: { grant: { singleUse: { add } } },
        controller: { grants: true },
      });
      const verifier = get(GrantVerifier);
      const grant = await verifier.verify(await forge());
      const { signal } = client;
      return reasonOf(verifier.redeem(grant, signal, undefined, createToken));
    };

    it('before the token is there: it is not asked', async () => {
      const client = new AbortController();
      const uses = sharedUses();
      const create = async () => {
        client.abort();
        return 'a token';
      };
      expect(await redeem(client, uses.add, create)).toBe('cancelled');
      expect(uses.calls).toEqual([]);
    });

    it('while it is asked: nobody gets a token', async () => {
      const client = new AbortController();
      const add = async () => {
        client.abort();
        return true;
      };
      const create = async () => 'a token';
      expect(await redeem(client, add, create)).toBe('cancelled');
    });

    it('before the request is served: the work is aborted at once', async () => {
      const response = { destroyed: true } as Parameters<
        typeof abortOnClose
      >[0];
      // The platform would never say so.
      Object.assign(response, { off: () => {} });
      const isAborted = await abortOnClose(
        response,
        async (signal) => signal.aborted,
      );
      expect(isAborted).toBe(true);
    });
  });
});

describe('the used grants of a process', () => {
  it('are refused until they have expired by both clocks, whichever is set', () => {
    const clock = { monotonic: performance.now(), wall: Date.now() };
    const clocks = [
      jest.spyOn(performance, 'now').mockImplementation(() => clock.monotonic),
      jest.spyOn(Date, 'now').mockImplementation(() => clock.wall),
    ];
    afterTest(() => clocks.forEach((each) => each.mockRestore()));
    const used = new UsedGrants(false);
    const grant = claims('a', 300_000);
    const isAccepted = (monotonic: number, wall: number) => {
      clock.monotonic += monotonic;
      clock.wall += wall;
      return used.claim(grant);
    };
    expect(isAccepted(0, 0)).toBe(true);
    // The wall clock is set on, then back by an hour.
    expect(isAccepted(100, 3_600_000)).toBe(false);
    expect(isAccepted(600_000, -7_200_000)).toBe(false);
    expect(isAccepted(0, 7_200_000)).toBe(true);
  });

  it('are free again once they are released', () => {
    const used = new UsedGrants(false);
    expect(used.claim(claims('a'))).toBe(true);
    expect(used.claim(claims('a'))).toBe(false);
    used.release(claims('a'));
    expect(used.claim(claims('a'))).toBe(true);
  });

  it('are 1,000 of an identity, beyond which it is rate_limited, and no other tenant, type or identity', () => {
    const used = new UsedGrants(false);
    const ada = { identity: 'ada', tenant: 'acme' };
    for (let index = 0; index < 1_000; index += 1) {
      used.claim(claims(`${index}`, 60_000, ada));
    }
    const next = claims('next', 60_000, { ...ada, identityType: 'user' });
    expect(() => used.claim(next)).toThrow(
      expect.objectContaining(RATE_LIMITED),
    );
    const others: AuthKitIdentity[] = [
      { identity: 'ada' },
      { ...ada, tenant: 'other' },
      { ...ada, identityType: 'team' },
      { ...ada, identity: 'bob' },
    ];
    for (const [index, other] of others.entries()) {
      expect(used.claim(claims(`other-${index}`, 60_000, other))).toBe(true);
    }
    used.release({ jti: '0' });
    expect(used.claim(next)).toBe(true);
  });

  /** Claims 100,000 grants, the maximum. */
  const fill = (used: UsedGrants, remaining: number) => {
    for (let index = 0; index < 100_000; index += 1) {
      const identity = { identity: `user-${index >> 6}` };
      used.claim(claims(`${index}`, remaining, identity));
    }
  };

  it('are 100,000 in all: with `true` further ones are rate_limited, as forgetting one would allow its replay', () => {
    const used = new UsedGrants(false);
    fill(used, 60_000);
    expect(() => used.claim(claims('next'))).toThrow(
      expect.objectContaining(RATE_LIMITED),
    );
    expect(used.claim(claims('0'))).toBe(false);
  });

  it('are 100,000 in all: with `add()` the oldest is forgotten', () => {
    const used = new UsedGrants(true);
    fill(used, 60_000);
    expect(used.claim(claims('next'))).toBe(true);
    expect(used.claim(claims('1'))).toBe(false);
    expect(used.claim(claims('0'))).toBe(true);
  });

  it('make space when they have expired', () => {
    const used = new UsedGrants(false);
    fill(used, -1_000);
    expect(used.claim(claims('next'))).toBe(true);
  });
});
