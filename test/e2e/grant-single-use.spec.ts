import { setTimeout as sleep } from 'node:timers/promises';
import { MemorySpentGrants } from '../../lib/grant/spent-grants.js';
import { AuthKitException } from '../../lib/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken } from '../support/http.js';

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

describe('the replay store in memory', () => {
  it('accepts an id again after its time to live, and not before', async () => {
    const spent = new MemorySpentGrants();
    expect(await spent.claim('a', 40)).toBe(true);
    expect(await spent.claim('a', 40)).toBe(false);
    await sleep(60);
    expect(await spent.claim('b', 40)).toBe(true);
    expect(await spent.claim('a', 40)).toBe(true);
  });

  it('rejects new ids as rate_limited when it is full, instead of forgetting one', async () => {
    const spent = new MemorySpentGrants(2);
    expect(await spent.claim('a', 40)).toBe(true);
    expect(await spent.claim('b', 40)).toBe(true);
    const third = spent.claim('c', 40);
    await expect(third).rejects.toBeInstanceOf(AuthKitException);
    await expect(third).rejects.toMatchObject({
      reason: 'rate_limited',
      retryAfter: 1,
    });
    expect(await spent.claim('a', 40)).toBe(false);
    await sleep(60);
    expect(await spent.claim('c', 40)).toBe(true);
  });
});
