import type { EmulatorFault } from '../../lib/testing/index.js';
import {
  createTokenService,
  OFFICIAL_REQUESTS,
  reasonOf,
  startApp,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { ONE_WIDGET, requestToken, WIDGET } from '../support/http.js';
import { captureOutput, mockBackoff } from '../support/mocks.js';
import { until } from '../support/until.js';
import {
  attemptTimeoutOf,
  expectAttempts,
  UPSTREAM_FAILURES,
} from '../support/upstream-failures.js';

const TIMEOUT = 2_000;
const RETRIES = 2;

const changed = (change: object): EmulatorFault => ({
  transform: (page: object) => ({ ...page, ...change }),
});
const BILLION_PAGES = changed({ pages: 1e9 });

/** Responses that are JSON and not a page of integrations. */
const INVALID_PAGES: [name: string, fault: EmulatorFault][] = [
  ['minus one page', changed({ pages: -1 })],
  ['one and a half pages', changed({ pages: 1.5 })],
  ['a page count in words', changed({ pages: 'three' })],
  ['no page count', changed({ pages: undefined })],
  ['a total below zero', changed({ total: -1 })],
  ['rows that are an object', changed({ rows: { 0: { id: 1 } } })],
  ['rows that are null', changed({ rows: null })],
  ['rows of strings', changed({ rows: ['gmail'] })],
  [
    'a row of 500 levels',
    changed({
      rows: [JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`)],
    }),
  ],
  [
    'a row that replaces its prototype',
    changed({
      rows: [JSON.parse('{"id":1,"meta":{"__proto__":{"admin":true}}}')],
    }),
  ],
];

/** A response that is an object, hence flags that are not set: it causes no warning. */
const OBJECT = 'responds with an error and status 200';

describe.each(['pica', 'one'] as const)('with vendor %s', (vendor) => {
  const tokenPath = vendor === 'pica' ? '/v1/authkit' : '/v1/authkit/token';
  const pica = useEmulator({ vendor, integrations: 350 });

  const request = async (
    fault: EmulatorFault,
    attemptTimeout = attemptTimeoutOf({}),
  ) => {
    pica.fault({ path: tokenPath, ...fault });
    // An abandoned request may arrive after the test otherwise.
    afterTest(() => until(() => pica.openConnections === 0));
    const { tokenUrl } = await startApp({
      pica,
      logs: true,
      options: {
        ...OFFICIAL_REQUESTS,
        paging: 'all',
        retries: RETRIES,
        timeout: TIMEOUT,
        attemptTimeout,
      },
    });
    mockBackoff(0);
    const started = performance.now();
    const origin = vendor === 'pica' ? WIDGET : ONE_WIDGET;
    const response = await requestToken(tokenUrl, { origin });
    return { ...response, duration: performance.now() - started };
  };
  const requestsOf = (page: number) =>
    pica.requests.filter(({ query }) => query.page === String(page));

  describe.each([
    ['the first page', 1, 0],
    // The first token of a process also requests it at once.
    ['a page in the middle', 2, 1],
    ['the last page', 4, 0],
  ])('the upstream, asked for %s,', (_name, page, speculated) => {
    it.each(UPSTREAM_FAILURES)(
      '$name: the response is $status $reason',
      async (failure) => {
        captureOutput();
        const response = await request(
          { ...failure.fault, page },
          attemptTimeoutOf(failure),
        );
        expect(response.body.reason).toBe(failure.reason);
        expect(response.status).toBe(failure.status);
        expect(typeof response.body.message).toBe('string');
        expectAttempts(requestsOf(page), failure, RETRIES, speculated);
        expect(response.duration).toBeLessThan(TIMEOUT + 300);
      },
    );

    it.each(INVALID_PAGES)(
      'responds with %s: the response is 502 malformed, without a retry',
      async (_fault, fault) => {
        captureOutput();
        const response = await request({ ...fault, page });
        expect(response.body.reason).toBe('malformed');
        expect(response.status).toBe(502);
        expect(requestsOf(page)).toHaveLength(1 + speculated);
      },
    );

    if (page === 1) {
      it('announces a billion pages: the response is 502 malformed, without a retry', async () => {
        captureOutput();
        const response = await request({ ...BILLION_PAGES, page });
        expect(response.body.reason).toBe('malformed');
        expect(response.status).toBe(502);
        expect(requestsOf(page)).toHaveLength(1);
      });
    } else {
      it('announces a billion pages: the page count of the first page takes precedence', async () => {
        const response = await request({ ...BILLION_PAGES, page });
        expect(response.body.rows).toEqual(pica.rows);
        expect(pica.rows).toHaveLength(350);
      });
    }
  });

  if (vendor === 'pica') {
    it.each(UPSTREAM_FAILURES)(
      'the response is 200 with isWhiteLabel false when the upstream, asked for the flags, $name',
      async (failure) => {
        pica.whiteLabel = true;
        const printed = captureOutput();
        const response = await request(
          { ...failure.fault, path: '/v1/users/flags' },
          attemptTimeoutOf(failure),
        );
        expect(response.status).toBe(200);
        expect(response.body.rows).toHaveLength(350);
        expect(response.body.isWhiteLabel).toBe(false);
        expectAttempts(
          pica.requests.filter(({ path }) => path === '/v1/users/flags'),
          failure,
          RETRIES,
        );
        expect(response.duration).toBeLessThan(TIMEOUT + 300);
        expect(printed().match(/.*\bflags\b.*/g)).toEqual(
          failure.name === OBJECT
            ? null
            : [expect.stringContaining(failure.reason)],
        );
        expect(printed()).not.toContain(pica.secretKey);
      },
    );
  }
});

describe('an upstream that sends as much as it can', () => {
  const pica = useEmulator();

  it('makes a token fail as malformed when its pages exceed 32 MB, before it has requested them all', async () => {
    const filler = 'x'.repeat(3_500_000);
    pica.fault({
      path: '/v1/authkit',
      transform: (page: object) => ({ ...page, pages: 100, filler }),
    });
    const tokens = await createTokenService(pica, {
      ...OFFICIAL_REQUESTS,
      timeout: 20_000,
    });
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
      'malformed',
    );
    expect(pica.requests.length).toBeGreaterThan(8);
    expect(pica.requests.length).toBeLessThan(40);
  });

  it('makes a token fail as malformed when a page has more than 1,000 rows', async () => {
    pica.fault({
      path: '/v1/authkit',
      transform: (page: object) => ({
        ...page,
        rows: Array.from({ length: 1_001 }, (_, id) => ({ id })),
      }),
    });
    const tokens = await createTokenService(pica);
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
      'malformed',
    );
  });
});
