import { Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { AuthKitModule, AuthKitTokenService } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { reasonOf, tokenService } from '../support/token-service.js';
import { until } from '../support/until.js';
import { askForToken } from '../support/widget.js';

const ADA = { identity: 'ada' };

/** Nothing but what a test does ends the calls. */
const PATIENT = { timeout: 60_000, attemptTimeout: 60_000 };

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1000 });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

const timers = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('a token that is given up', () => {
  it('closes its calls and leaves no timer when the caller aborts', async () => {
    const tokens = await tokenService(pica, PATIENT);
    const before = timers();
    pica.fault({ hang: true });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => pica.requests.length === 2);
    caller.abort();
    expect(await token).toBe('cancelled');
    await until(() => pica.requests.every(({ aborted }) => aborted));
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('does not wait for its next attempt when the caller aborts', async () => {
    const tokens = await tokenService(pica);
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const before = timers();
    pica.fault({ status: 503 });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(
      () => pica.requests.filter(({ status }) => status === 503).length === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    caller.abort();
    expect(await token).toBe('cancelled');
    expect(timers()).toBeLessThanOrEqual(before);
    expect(pica.requests).toHaveLength(2);
  });

  it.each([
    ['the first page', 1, 1],
    ['a page in the middle', 5, 10],
    ['the last page', 10, 10],
  ])(
    'stops every other call when %s fails for good',
    async (_name, page, most) => {
      const tokens = await tokenService(pica, { ...PATIENT, concurrency: 10 });
      const before = timers();
      pica.fault({ path: '/v1/authkit', page, status: 401 });
      if (page > 1)
        pica.fault({ path: '/v1/authkit', page: 1, times: 1, delay: 1 });
      pica.fault({ when: ({ query }) => query.page !== '1', hang: true });
      expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
      await until(() =>
        pica.requests.every(
          ({ aborted, status }) => aborted || status !== undefined,
        ),
      );
      expect(
        pica.requests.filter(({ method }) => method === 'POST'),
      ).toHaveLength(most);
      expect(timers()).toBeLessThanOrEqual(before);
    },
  );
});

describe('the retry budget', () => {
  it('keeps a dead upstream from getting a multiple of the traffic', async () => {
    const tokens = await tokenService(pica);
    jest.spyOn(Math, 'random').mockReturnValue(0);
    pica.fault({ status: 503 });
    for (let n = 0; n < 100; n += 1) {
      expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
    }
    // A page and the flags for each token, and 20 retries in all.
    expect(pica.requests.length).toBeGreaterThan(200);
    expect(pica.requests.length).toBeLessThanOrEqual(220);
  });

  it('is earned again by calls that work', async () => {
    const tokens = await tokenService(pica);
    jest.spyOn(Math, 'random').mockReturnValue(0);
    pica.fault({ path: '/v1/authkit', times: 40, status: 503 });
    for (let n = 0; n < 15; n += 1) await reasonOf(tokens.create(ADA));
    pica.reset();
    for (let n = 0; n < 10; n += 1) await tokens.create(ADA);
    pica.reset();
    pica.fault({ path: '/v1/authkit', page: 3, times: 2, status: 503 });
    expect((await tokens.create(ADA)).rows).toHaveLength(1000);
  });

  it('of one registration is not spent by another', async () => {
    const [poor, rich] = [await tokenService(pica), await tokenService(pica)];
    jest.spyOn(Math, 'random').mockReturnValue(0);
    pica.fault({ status: 503 });
    for (let n = 0; n < 30; n += 1) await reasonOf(poor.create(ADA));
    pica.reset();
    pica.fault({ path: '/v1/authkit', page: 1, times: 1, status: 503 });
    expect(await reasonOf(rich.create(ADA))).toBe('none');
  });
});

describe('more tokens than may wait', () => {
  it('are refused at once, and let in again when the others are through', async () => {
    // A key that never comes: the tokens wait without a connection each.
    let giveKey: (key: string) => void = () => {};
    const key = new Promise<string>((resolve) => (giveKey = resolve));
    const tokens = await tokenService(pica, { secretKey: () => key });
    const waiting = Array.from({ length: 1_000 }, () => {
      const caller = new AbortController();
      return { caller, token: reasonOf(tokens.create(ADA, caller)) };
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('rate_limited');
    waiting.forEach(({ caller }) => caller.abort());
    for (const { token } of waiting) expect(await token).toBe('cancelled');
    giveKey(pica.secretKey);
    expect(await reasonOf(tokens.create(ADA))).toBe('none');
  });
});

describe.each(PLATFORMS)('on %s', (platform) => {
  const module = () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          ...PATIENT,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    return App;
  };

  it('a client that leaves in the middle of the pages frees them all', async () => {
    const url = await runApp(platform, module());
    pica.fault({ when: ({ query }) => Number(query.page) > 1, hang: true });
    const client = new AbortController();
    const answer = askForToken(`${url}/authkit-token`, {
      signal: client.signal,
    });
    answer.catch(() => {});
    await until(() => pica.requests.length === 11);
    client.abort();
    await expect(answer).rejects.toThrow();
    await until(
      () => pica.requests.filter(({ aborted }) => aborted).length === 9,
    );
  });

  it('closing the app cancels what runs outside of requests, and closes the connections', async () => {
    const app = await createApp(platform, module());
    await app.listen(0, '127.0.0.1');
    const tokens = app.get(AuthKitTokenService, { strict: false });
    await tokens.create(ADA);
    expect(pica.openConnections).toBeGreaterThan(0);
    pica.fault({ hang: true });
    const running = reasonOf(tokens.create(ADA));
    await app.close();
    expect(await running).toBe('cancelled');
    expect(await reasonOf(tokens.create(ADA))).toBe('cancelled');
    await until(() => pica.openConnections === 0);
  });
});
