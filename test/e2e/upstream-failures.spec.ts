import { gzipSync } from 'node:zlib';
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
import { AuthKitModule, type AuthKitErrorReason } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { reasonOf, tokenService } from '../support/token-service.js';
import { until } from '../support/until.js';
import { askForToken } from '../support/widget.js';

type Fault = Parameters<PicaEmulator['fault']>[0];

/** What the endpoint answers for each reason. */
const STATUS: Partial<Record<AuthKitErrorReason, number>> = {
  secret_rejected: 502,
  quota_exceeded: 503,
  rate_limited: 503,
  rejected: 502,
  unavailable: 502,
  timed_out: 504,
  malformed: 502,
};

const json = (body: string | Buffer, headers: Record<string, string> = {}) => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body,
});
/** 64 MB of blanks in 64 kB, inside JSON. */
const BOMB = gzipSync(`{"rows":[],"pages":1${' '.repeat(64 * 1024 * 1024)}}`);

const status = (code: number, headers?: Record<string, string>): Fault => ({
  status: code,
  ...(headers && { headers }),
});
const lie = (change: object): Fault => ({
  transform: (answer: object) => ({ ...answer, ...change }),
});

/** Each fault that stays: the reason that it leads to, and how often its call is made. */
const FAULTS: [
  name: string,
  fault: Fault,
  reason: AuthKitErrorReason,
  calls: number,
][] = [
  ['400', status(400), 'rejected', 1],
  ['401', status(401), 'secret_rejected', 1],
  ['402', status(402), 'quota_exceeded', 1],
  ['403', status(403), 'secret_rejected', 1],
  ['404', status(404), 'rejected', 1],
  ['408', status(408), 'unavailable', 3],
  ['422', status(422), 'rejected', 1],
  ['429', status(429), 'rate_limited', 3],
  [
    '429, again at once',
    status(429, { 'retry-after': '0' }),
    'rate_limited',
    3,
  ],
  [
    '429, again tomorrow',
    status(429, { 'retry-after': '86400' }),
    'rate_limited',
    1,
  ],
  [
    '429, again at a date',
    status(429, {
      'retry-after': new Date(Date.now() + 3_600_000).toUTCString(),
    }),
    'rate_limited',
    1,
  ],
  ['500', status(500), 'unavailable', 3],
  ['501', status(501), 'unavailable', 1],
  ['502', status(502), 'unavailable', 3],
  ['503', status(503), 'unavailable', 3],
  [
    '503, again tomorrow',
    status(503, { 'retry-after': '86400' }),
    'rate_limited',
    1,
  ],
  ['504', status(504), 'unavailable', 3],
  [
    'a redirect',
    status(307, { location: 'http://127.0.0.1:1/' }),
    'unavailable',
    1,
  ],
  ['an empty 204', status(204), 'malformed', 1],
  ['a reset', { reset: true }, 'unavailable', 3],
  ['a body that breaks off', { cutOff: true }, 'unavailable', 3],
  ['no answer', { hang: true }, 'timed_out', 3],
  ['a trickle', { trickle: { bytes: 1, every: 20 } }, 'timed_out', 3],
  ['an endless body', { endless: true }, 'malformed', 1],
  ['broken JSON', { malformed: true }, 'malformed', 1],
  [
    'HTML',
    json('<html></html>', { 'content-type': 'text/html' }),
    'malformed',
    1,
  ],
  ['HTML called JSON', json('<html></html>'), 'malformed', 1],
  [
    'JSON called text',
    json('{"rows":[],"pages":1}', { 'content-type': 'text/plain' }),
    'malformed',
    1,
  ],
  [
    'bytes that are no UTF-8',
    json(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
    'malformed',
    1,
  ],
  [
    'a gzip that is none',
    json('{}', { 'content-encoding': 'gzip' }),
    'malformed',
    1,
  ],
  ['a gzip bomb', json(BOMB, { 'content-encoding': 'gzip' }), 'malformed', 1],
  ['null', json('null'), 'malformed', 1],
  ['a list', json('[]'), 'malformed', 1],
  [
    'an error with status 200',
    json('{"type":"error","error":"Not found"}'),
    'malformed',
    1,
  ],
  [
    'nesting without end',
    json(`{"rows":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
    'malformed',
    1,
  ],
];

/** Lies that only a page of integrations can tell. */
const LIES: [name: string, fault: Fault][] = [
  ['a billion pages', lie({ pages: 1e9 })],
  ['minus one page', lie({ pages: -1 })],
  ['one and a half pages', lie({ pages: 1.5 })],
  ['pages in words', lie({ pages: 'three' })],
  ['no pages', lie({ pages: undefined })],
  ['a total below zero', lie({ total: -1 })],
  ['rows that are an object', lie({ rows: { 0: { id: 1 } } })],
  ['rows that are null', lie({ rows: null })],
  ['rows of strings', lie({ rows: ['gmail'] })],
  [
    'a deep row',
    lie({ rows: [JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`)] }),
  ],
  [
    'a row that replaces its prototype',
    lie({ rows: [JSON.parse('{"id":1,"meta":{"__proto__":{"admin":true}}}')] }),
  ],
];

/** The waits between attempts are random from 0 on: the shortest, so that the table is quick. */
const withoutBackoff = () => jest.spyOn(Math, 'random').mockReturnValue(0);

const TIMEOUT = 2_000;

/** ms for an attempt: few where it ends only by them, and more than a busy machine needs elsewhere. */
const attemptTimeoutFor = ({ hang, trickle }: Fault) =>
  hang || trickle ? 80 : 1_500;

describe.each(['pica', 'one'] as const)('with vendor %s', (vendor) => {
  const path = vendor === 'pica' ? '/v1/authkit' : '/v1/authkit/token';
  let pica: PicaEmulator;
  beforeAll(async () => {
    pica = await PicaEmulator.start({ vendor, integrations: 350 });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stopApps();
    // A call that was given up may only now arrive.
    await until(() => pica.openConnections === 0);
    pica.reset();
  });
  afterAll(() => pica.stop());

  const ask = async (fault: Fault) => {
    pica.fault({ path, ...fault });
    @Module({
      imports: [
        AuthKitModule.forRoot({
          timeout: TIMEOUT,
          attemptTimeout: attemptTimeoutFor(fault),
          retries: 2,
          secretKey: pica.secretKey,
          vendor,
          baseUrl: pica.url,
          paging: 'all',
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    const url = await runApp('Express', App);
    withoutBackoff();
    const started = performance.now();
    const answer = await askForToken(`${url}/authkit-token`);
    return { ...answer, took: performance.now() - started };
  };

  describe.each([
    ['the first page', 1],
    ['a page in the middle', 2],
    ['the last page', 4],
  ])('%s', (_name, page) => {
    it.each(FAULTS)(
      'answered with %s',
      async (_fault, fault, reason, calls) => {
        const answer = await ask({ ...fault, page });
        expect(answer.body.reason).toBe(reason);
        expect(answer.status).toBe(STATUS[reason]);
        expect(typeof answer.body.message).toBe('string');
        expect(
          pica.requests.filter(({ query }) => query.page === String(page)),
        ).toHaveLength(calls);
        expect(answer.took).toBeLessThan(TIMEOUT + 300);
      },
    );

    it.each(LIES)('that claims %s', async (name, fault) => {
      const answer = await ask({ ...fault, page });
      if (page > 1 && name === 'a billion pages') {
        // The first page has the say on how many there are.
        expect(answer.body.rows).toHaveLength(350);
        return;
      }
      expect(answer.body.reason).toBe('malformed');
      expect(
        pica.requests.filter(({ query }) => query.page === String(page)),
      ).toHaveLength(1);
    });
  });

  if (vendor === 'pica') {
    it.each(FAULTS)(
      'the flags answered with %s cost nothing but the white label',
      async (_fault, fault, _reason, calls) => {
        pica.whiteLabel = true;
        const answer = await ask({ ...fault, path: '/v1/users/flags' });
        pica.whiteLabel = false;
        expect(answer.status).toBe(200);
        expect(answer.body.rows).toHaveLength(350);
        expect(answer.body.isWhiteLabel).toBe(false);
        expect(
          pica.requests.filter(({ path }) => path === '/v1/users/flags').length,
        ).toBeLessThanOrEqual(calls);
        expect(answer.took).toBeLessThan(TIMEOUT + 300);
      },
    );
  }
});

describe('an upstream that sends as much as it may', () => {
  it('is not believed beyond the bound of a token, and does not block the app', async () => {
    const pica = await PicaEmulator.start({ integrations: 100 });
    const filler = 'x'.repeat(3_500_000);
    pica.fault({
      path: '/v1/authkit',
      transform: (answer: object) => ({ ...answer, pages: 100, filler }),
    });
    const tokens = await tokenService(pica, { timeout: 20_000 });
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
      'malformed',
    );
    expect(pica.requests.length).toBeLessThan(40);
    await stopApps();
    await pica.stop();
  });

  it('gets no more rows in than a page can have', async () => {
    const pica = await PicaEmulator.start();
    pica.fault({
      path: '/v1/authkit',
      transform: (answer: object) => ({
        ...answer,
        rows: Array.from({ length: 1_001 }, (_, id) => ({ id })),
      }),
    });
    const tokens = await tokenService(pica);
    expect(await reasonOf(tokens.create({ identity: 'ada' }))).toBe(
      'malformed',
    );
    await stopApps();
    await pica.stop();
  });
});
