import { Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { MemorySpentGrants } from '../../lib/grant/spent-grants.js';
import { AuthKitException, AuthKitModule } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { askForGrant, SECRET } from '../support/grants.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1 });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = async (singleUse?: boolean) => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          grant: { secret: SECRET, singleUse },
          controller: { guards: [SessionGuard], grants: true },
        }),
      ],
    })
    class App {}
    return `${await runApp(platform, App)}/authkit-token`;
  };

  it('a single-use grant lets exactly one of 50 concurrent replays through', async () => {
    const url = await start(true);
    const { body } = await askForGrant(url);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => askForToken(url, body)),
    );
    const refused = answers.filter(({ status }) => status === 401);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(refused).toHaveLength(49);
    expect(refused[0]?.body).toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/used already.*open the dialog again/i),
    });
    expect((await askForToken(url, (await askForGrant(url)).body)).status).toBe(
      200,
    );
  });

  it('a grant serves as often as the widget asks, by default', async () => {
    const url = await start();
    const { body } = await askForGrant(url);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => askForToken(url, body)),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
  });
});

describe('the memory of used grants', () => {
  it('forgets an id when its time is up, and not before', async () => {
    const spent = new MemorySpentGrants();
    expect(await spent.claim('a', 40)).toBe(true);
    expect(await spent.claim('a', 40)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await spent.claim('b', 40)).toBe(true);
    expect(await spent.claim('a', 40)).toBe(true);
  });

  it('is bounded, and would rather refuse than forget what can be replayed', async () => {
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
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await spent.claim('c', 40)).toBe(true);
  });
});
