import { setTimeout as sleep } from 'node:timers/promises';
import { Keyv } from 'keyv';
import { MemoryGrantReplayStore } from '../../lib/grant/grant-replay-store.js';
import { AuthKitException, type AuthKitCacheStore } from '../../lib/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

const pica = useEmulator({ integrations: 1 });

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = (singleUse?: boolean) =>
    startApp({
      pica,
      platform,
      options: { grant: { singleUse } },
      controller: { grants: true },
    });

  it('a single-use grant gives a token to exactly one of 50 concurrent requests', async () => {
    const { tokenUrl } = await start(true);
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
    const { body: next } = await requestGrant(tokenUrl);
    expect((await requestToken(tokenUrl, next)).status).toBe(200);
  });

  it('a grant gives any number of tokens by default', async () => {
    const { tokenUrl } = await start();
    const { body: grant } = await requestGrant(tokenUrl);
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => requestToken(tokenUrl, grant)),
    );
    expect(responses.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
  });
});

describe('with a store, a single-use grant', () => {
  /** Starts an instance of an app and returns the URL of its token endpoint. */
  const start = async (store: AuthKitCacheStore) => {
    const { tokenUrl } = await startApp({
      pica,
      options: { cache: { store }, grant: { singleUse: true } },
      controller: { grants: true },
    });
    return tokenUrl;
  };

  /** How many of 50 concurrent requests with one grant, spread over instances, get a token. */
  const accepted = async (...tokenUrls: string[]) => {
    const { body: grant } = await requestGrant(tokenUrls[0]!);
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        requestToken(tokenUrls[index % tokenUrls.length]!, grant),
      ),
    );
    return responses.filter(({ status }) => status === 200).length;
  };

  /** A Keyv with an atomic `add()`, as Redis has it, that returns one value or the other. */
  const withAdd = (added: unknown, exists: unknown): AuthKitCacheStore => {
    const keys = new Set<string>();
    const add = (key: string) => {
      if (keys.has(key)) return exists;
      keys.add(key);
      return added;
    };
    return Object.assign(new Keyv(), { add }) as never;
  };

  it('gives one token within an instance', async () => {
    expect(await accepted(await start(new Keyv()))).toBe(1);
  });

  it('gives one token across instances when the store has an atomic add()', async () => {
    const store = withAdd(true, false);
    expect(await accepted(await start(store), await start(store))).toBe(1);
  });

  it('is refused by an instance after another has accepted it, when the store has no add()', async () => {
    const store = new Keyv();
    const [one, other] = [await start(store), await start(store)];
    const { body: grant } = await requestGrant(one);
    expect((await requestToken(one, grant)).status).toBe(200);
    expect((await requestToken(other, grant)).status).toBe(401);
  });

  it.each([
    ['OK', null],
    [1, 0],
  ])(
    'is refused with a warning when add() returns %j and %j instead of true and false',
    async (added, exists) => {
      const warnings = captureWarnings();
      expect(await accepted(await start(withAdd(added, exists)))).toBe(0);
      expect(warnings.join('\n')).toMatch(
        /neither true nor false from add\(\)/,
      );
    },
  );

  const fail = () => {
    throw new Error('down');
  };
  const hang = () => new Promise<never>(() => {});
  it.each<[string, AuthKitCacheStore]>([
    ['fails', { get: fail, set: fail, delete: fail }],
    [
      'fails, add() included',
      { get: fail, set: fail, delete: fail, add: fail },
    ],
    ['hangs', { get: hang, set: hang, delete: hang, add: hang }],
  ])(
    'gives one token in each instance while the store %s',
    async (_name, store) => {
      expect(await accepted(await start(store))).toBe(1);
    },
  );
});

describe('the replay store in memory', () => {
  it('accepts an id again after its time to live, and not before', async () => {
    const spent = new MemoryGrantReplayStore();
    expect(await spent.consume('a', 40)).toBe(true);
    expect(await spent.consume('a', 40)).toBe(false);
    await sleep(60);
    expect(await spent.consume('b', 40)).toBe(true);
    expect(await spent.consume('a', 40)).toBe(true);
  });

  it('rejects new ids as rate_limited when it is full, instead of forgetting one', async () => {
    const spent = new MemoryGrantReplayStore(2);
    expect(await spent.consume('a', 40)).toBe(true);
    expect(await spent.consume('b', 40)).toBe(true);
    const third = spent.consume('c', 40);
    await expect(third).rejects.toBeInstanceOf(AuthKitException);
    await expect(third).rejects.toMatchObject({
      reason: 'rate_limited',
      retryAfter: 1,
    });
    expect(await spent.consume('a', 40)).toBe(false);
    await sleep(60);
    expect(await spent.consume('c', 40)).toBe(true);
  });
});
