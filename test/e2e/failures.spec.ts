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
import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { captureOutput } from '../support/output.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { askForToken, WIDGET, type Answer } from '../support/widget.js';

const SECRET = 'sk_live_do_not_tell_anyone';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ secretKey: SECRET });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

type Fault = Parameters<PicaEmulator['fault']>[0];

/** What goes wrong upstream, what the widget is told, and how many calls of a page that takes. */
const FAILURES: [
  name: string,
  fault: Fault,
  expected: {
    status: number;
    reason: string;
    calls?: number;
    retryAfter?: string;
  },
][] = [
  [
    '401',
    { status: 401 },
    { status: 502, reason: 'secret_rejected', calls: 1 },
  ],
  [
    '403',
    { status: 403 },
    { status: 502, reason: 'secret_rejected', calls: 1 },
  ],
  ['402', { status: 402 }, { status: 503, reason: 'quota_exceeded', calls: 1 }],
  ['422', { status: 422 }, { status: 502, reason: 'rejected', calls: 1 }],
  [
    '429 for longer than the deadline',
    { status: 429, headers: { 'retry-after': '30' } },
    { status: 503, reason: 'rate_limited', calls: 1, retryAfter: '30' },
  ],
  [
    '429 that stays',
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 503, reason: 'rate_limited', calls: 3, retryAfter: '0' },
  ],
  [
    '429 that does not say for how long',
    { status: 429 },
    { status: 503, reason: 'rate_limited', calls: 3, retryAfter: '1' },
  ],
  ['503', { status: 503 }, { status: 502, reason: 'unavailable', calls: 3 }],
  [
    'a reset connection',
    { reset: true },
    { status: 502, reason: 'unavailable', calls: 3 },
  ],
  [
    'a body that breaks off',
    { cutOff: true },
    { status: 502, reason: 'unavailable', calls: 3 },
  ],
  [
    'HTML instead of JSON',
    {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Hello</h1>',
    },
    { status: 502, reason: 'malformed', calls: 1 },
  ],
  [
    'broken JSON',
    { malformed: true },
    { status: 502, reason: 'malformed', calls: 1 },
  ],
  [
    'JSON that is no token',
    { status: 200, body: { type: 'error', error: 'Not found' } },
    { status: 502, reason: 'malformed', calls: 1 },
  ],
  [
    'a redirect to another host',
    { status: 302, headers: { location: 'http://127.0.0.1:1/v1/authkit' } },
    { status: 502, reason: 'unavailable', calls: 1 },
  ],
  [
    'no answer at all',
    { hang: true },
    { status: 504, reason: 'timed_out', calls: 1 },
  ],
];

describe.each(PLATFORMS)('when Pica fails, on %s', (platform) => {
  const ask = async (
    options: Partial<AuthKitModuleOptions> = {},
  ): Promise<{ answer: Answer; printed: string; took: number }> => {
    const printed = captureOutput();
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: SECRET,
          baseUrl: pica.url,
          timeout: 2_000,
          ...options,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App, () => {}, { logs: true });
    // The waits between attempts are random from 0 on: the shortest.
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const started = performance.now();
    const answer = await askForToken(`${url}/authkit-token`);
    return { answer, printed: printed(), took: performance.now() - started };
  };

  it.each(FAILURES)(
    '%s is an error that the widget can show, without the key anywhere',
    async (_name, fault, { status, reason, calls, retryAfter }) => {
      pica.fault({ path: '/v1/authkit', ...fault });
      const { answer, printed, took } = await ask({ timeout: 500 });

      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({
        statusCode: status,
        message: expect.stringMatching(/\w+ \w+/),
        error: expect.any(String),
        reason,
      });
      expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(answer.headers.get('retry-after')).toBe(retryAfter ?? null);
      expect(took).toBeLessThan(1_500);
      expect(
        pica.requests.filter(({ path }) => path === '/v1/authkit'),
      ).toHaveLength(calls ?? 1);

      expect(printed.match(/No token/g)).toHaveLength(1);
      expect(printed).toContain(reason);
      for (const text of [printed, answer.text, String([...answer.headers])]) {
        expect(text).not.toContain(SECRET);
      }
    },
  );

  it('a server that is not there is an error', async () => {
    const gone = await PicaEmulator.start();
    await gone.stop();
    const { answer, printed } = await ask({ baseUrl: gone.url, retries: 0 });
    expect(answer.status).toBe(502);
    expect(answer.body.reason).toBe('unavailable');
    expect(printed).toContain('ECONNREFUSED');
    expect(printed).not.toContain(SECRET);
  });

  it.each<[string, Fault]>([
    ['500', { status: 500 }],
    ['a reset connection', { reset: true }],
    ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ])('%s that passes is not even noticed', async (_name, fault) => {
    pica.fault({ path: '/v1/authkit', page: 1, times: 1, ...fault });
    pica.fault({ path: '/v1/authkit', page: 3, times: 2, ...fault });
    const { answer } = await ask();
    expect(answer.status).toBe(200);
    expect(answer.body.rows).toEqual(pica.rows);
  });

  it.each<[string, Fault]>([
    ['refused', { status: 401 }],
    ['not there', { status: 404 }],
    ['failing', { status: 500 }],
    ['HTML', { status: 200, body: '<html></html>' }],
    ['reset', { reset: true }],
    ['never answered', { hang: true }],
  ])('flags that are %s cost the token nothing', async (_name, fault) => {
    pica.whiteLabel = true;
    pica.fault({ path: '/v1/users/flags', ...fault });
    const { answer, printed, took } = await ask();
    pica.whiteLabel = false;
    expect(answer.status).toBe(200);
    expect(answer.body.rows).toHaveLength(247);
    expect(answer.body.isWhiteLabel).toBe(false);
    expect(took).toBeLessThan(1_500);
    expect(printed.match(/flags could not be read/g)).toHaveLength(1);
    expect(printed).not.toContain(SECRET);
  });

  it('tells the operator what to do about a refused key', async () => {
    const { printed } = await ask({ secretKey: 'sk_live_wrong' });
    expect(printed).toContain('ERROR');
    expect(printed).toMatch(/check PICA_SECRET_KEY/);
    expect(printed).toMatch(/correlation id/);
    expect(printed).not.toContain('sk_live_wrong');
  });

  it('never takes more pages than maxPages, whatever Pica announces', async () => {
    pica.fault({
      path: '/v1/authkit',
      transform: (answer) => ({ ...answer, pages: 1_000_000_000 }),
    });
    const { answer, printed } = await ask();
    expect(answer.body.reason).toBe('malformed');
    expect(printed).toContain('maxPages');
    expect(pica.requests.length).toBeLessThanOrEqual(3);
  });
});
