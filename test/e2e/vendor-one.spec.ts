import { Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { askForToken, preflight, WIDGET } from '../support/widget.js';

const ONE_WIDGET = 'https://auth.withone.ai';

let one: PicaEmulator;
beforeAll(async () => {
  one = await PicaEmulator.start({ vendor: 'one', whiteLabel: true });
});
afterEach(async () => {
  await stopApps();
  one.reset();
});
afterAll(() => one.stop());

describe.each(PLATFORMS)("vendor: 'one' on %s", (platform) => {
  const start = async (options: Partial<AuthKitModuleOptions> = {}) => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: one.secretKey,
          vendor: 'one',
          baseUrl: one.url,
          ...options,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    return `${await runApp(platform, App)}/authkit-token`;
  };
  const calls = () =>
    one.requests.map(({ method, path, query }) => ({ method, path, query }));

  it('forwards the page that the widget asks for, in one call, with its own header', async () => {
    const url = await start();
    const answer = await askForToken(`${url}?page=2&limit=100`, {
      origin: ONE_WIDGET,
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      page: 2,
      pages: 3,
      total: 247,
      isWhiteLabel: true,
    });
    expect(answer.body.rows).toEqual(one.rows.slice(100, 200));
    expect(answer.headers.get('access-control-allow-origin')).toBe(ONE_WIDGET);
    expect(calls()).toEqual([
      {
        method: 'POST',
        path: '/v1/authkit/token',
        query: { limit: '100', page: '2' },
      },
    ]);
    expect(one.requests[0]?.headers['x-one-secret']).toBe(one.secretKey);
    expect(one.requests[0]?.headers).not.toHaveProperty('x-pica-secret');
  });

  it.each([
    '?page=null&limit=null',
    '?page=abc&limit=-5',
    '?page=&limit=1e3',
    '?page[]=2',
    '',
  ])('never forwards what is no number: %s gives all rows', async (query) => {
    const url = await start();
    const answer = await askForToken(`${url}${query}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      page: 1,
      pages: 1,
      total: 247,
      isWhiteLabel: true,
    });
    expect(answer.body.rows).toEqual(one.rows);
    for (const { query: sent } of calls()) {
      expect(sent.page).toMatch(/^[123]$/);
      expect(sent.limit).toBe('100');
    }
  });

  it("gives all rows as one page with paging: 'all'", async () => {
    const url = await start({ paging: 'all' });
    const answer = await askForToken(`${url}?page=2&limit=100`);
    expect(answer.body.rows).toHaveLength(247);
    expect(calls()).toHaveLength(3);
  });

  it('lets the widget of One call, and not the one of Pica', async () => {
    const url = await start();
    const [ours, other] = await Promise.all([
      preflight(url, { origin: ONE_WIDGET }),
      preflight(url, { origin: WIDGET }),
    ]);
    expect(ours.headers.get('access-control-allow-origin')).toBe(ONE_WIDGET);
    expect(other.headers.has('access-control-allow-origin')).toBe(false);
  });
});
