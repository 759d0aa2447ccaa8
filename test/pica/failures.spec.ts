import type { EmulatorFault } from '../../lib/testing/index.js';
import {
  OFFICIAL_REQUESTS,
  PLATFORMS,
  startApp,
  type AppSettings,
  type TestOptions,
} from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken, WIDGET } from '../support/http.js';
import { captureOutput, mockBackoff } from '../support/mocks.js';
import {
  attemptTimeoutOf,
  expectAttempts,
  UPSTREAM_FAILURES,
} from '../support/upstream-failures.js';

const SECRET = 'sk_live_do_not_tell_anyone';
const TIMEOUT = 2_000;
/** What a busy machine may add to a duration, in ms. */
const SLACK = 1_000;

const pica = useEmulator({ secretKey: SECRET });

/** The requests for the first page. The second one is requested at the same time. */
const firstPages = () =>
  pica.requests.filter(({ query }) => query.page === '1');

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
  const request = async (
    options: TestOptions = {},
    settings: AppSettings = { pica },
  ) => {
    const printed = captureOutput();
    const { tokenUrl } = await startApp({
      platform,
      logs: true,
      options: { ...OFFICIAL_REQUESTS, timeout: TIMEOUT, ...options },
      ...settings,
    });
    mockBackoff(0);
    const started = performance.now();
    const response = await requestToken(tokenUrl);
    const duration = performance.now() - started;
    return { response, printed: printed(), duration };
  };

  it.each(UPSTREAM_FAILURES)(
    'answers $status $reason to the widget when the upstream $name',
    async (failure) => {
      const { fault, status, reason, retryAfter } = failure;
      pica.fault({ path: '/v1/authkit', ...fault });
      const { response, printed, duration } = await request({
        retries: 2,
        attemptTimeout: attemptTimeoutOf(failure),
      });

      expect(response.status).toBe(status);
      expect(response.body).toEqual({
        statusCode: status,
        message: expect.stringMatching(/\w+ \w+/),
        error: expect.any(String),
        reason,
      });
      expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(response.headers.get('retry-after')).toEqual(
        retryAfter instanceof RegExp
          ? expect.stringMatching(retryAfter)
          : (retryAfter ?? null),
      );
      expect(duration).toBeLessThan(TIMEOUT + SLACK);
      expectAttempts(firstPages(), failure, 2);

      expect(printed.match(/No token.*/g)).toEqual([
        expect.stringContaining(reason),
      ]);
      for (const text of [
        printed,
        response.text,
        String([...response.headers]),
      ]) {
        expect(text).not.toContain(SECRET);
      }
    },
  );

  it('answers 504 at its deadline when the upstream does not respond by then', async () => {
    pica.fault({ path: '/v1/authkit', hang: true });
    const { response, duration } = await request({
      timeout: 300,
      attemptTimeout: 60_000,
    });
    expect(response.status).toBe(504);
    expect(response.body.reason).toBe('timed_out');
    expect(duration).toBeGreaterThan(290);
    expect(duration).toBeLessThan(300 + SLACK);
    expect(firstPages()).toHaveLength(1);
  });

  it('answers 503 with the Retry-After of the upstream when the deadline is sooner', async () => {
    pica.fault({
      path: '/v1/authkit',
      status: 429,
      headers: { 'retry-after': '30' },
    });
    const { response } = await request();
    expect(response.status).toBe(503);
    expect(response.body.reason).toBe('rate_limited');
    expect(response.headers.get('retry-after')).toBe('30');
    expect(firstPages()).toHaveLength(1);
  });

  it('does not retry when the seconds of Retry-After are just beyond the deadline', async () => {
    pica.fault({
      path: '/v1/authkit',
      status: 429,
      headers: { 'retry-after': '2' },
    });
    const { response } = await request({ timeout: 1_500 });
    expect(response.body.reason).toBe('rate_limited');
    expect(response.headers.get('retry-after')).toBe('2');
    expect(firstPages()).toHaveLength(1);
  });

  it('answers 502 and logs the error code when no upstream listens', async () => {
    const { response, printed } = await request(
      { secretKey: SECRET, retries: 0 },
      {},
    );
    expect(response.status).toBe(502);
    expect(response.body.reason).toBe('unavailable');
    expect(printed).toContain('ECONNREFUSED');
    expect(printed).not.toContain(SECRET);
  });

  it.each<[string, EmulatorFault]>([
    ['responds with 500', { status: 500 }],
    ['resets the connection', { reset: true }],
    ['responds with 429', { status: 429, headers: { 'retry-after': '0' } }],
  ])(
    'answers 200 with every row when the upstream %s once or twice and then recovers',
    async (_name, fault) => {
      pica.fault({ path: '/v1/authkit', page: 1, times: 1, ...fault });
      pica.fault({ path: '/v1/authkit', page: 3, times: 2, ...fault });
      const { response } = await request();
      expect(response.status).toBe(200);
      expect(response.body.rows).toEqual(pica.rows);
      const pages = pica.requests.filter(({ path }) => path === '/v1/authkit');
      expect(pages).toHaveLength(6);
    },
  );

  it('answers 200 without the white label when the upstream does not answer the flags', async () => {
    pica.whiteLabel = true;
    pica.fault({ path: '/v1/users/flags', hang: true });
    const { response, duration } = await request();
    expect(response.status).toBe(200);
    expect(response.body.rows).toHaveLength(247);
    expect(response.body.isWhiteLabel).toBe(false);
    expect(duration).toBeLessThan(TIMEOUT);
  });

  it('logs what to check when the upstream rejects the secret key, without the key', async () => {
    const { printed } = await request({ secretKey: 'sk_live_wrong' });
    expect(printed).toContain('ERROR');
    expect(printed).toMatch(/check the option secretKey, /);
    expect(printed).toMatch(/correlation id/);
    expect(printed).not.toContain('sk_live_wrong');
  });

  it('requests no more pages than maxPages when the upstream announces a billion', async () => {
    pica.fault({
      path: '/v1/authkit',
      transform: (page) => ({ ...page, pages: 1_000_000_000 }),
    });
    const { response, printed } = await request();
    expect(response.body.reason).toBe('malformed');
    expect(printed).toContain('announces 1000000000 pages, more than 100');
    expect(pica.requests.length).toBeLessThanOrEqual(3);
  });
});
