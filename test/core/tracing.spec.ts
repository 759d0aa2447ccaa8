import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import {
  AuthKitConnectionsService,
  type AuthKitTraceContext,
} from '../../lib/index.js';
import {
  createApp,
  createTokenService,
  reasonOf,
  startApp,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { createConnectionsService } from '../support/connections.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { traceEvents } from '../support/trace.js';
import { until } from '../support/until.js';

const KEYS = [
  ...['registration', 'vendor', 'operation', 'attempt'],
  ...['status', 'durationMs', 'reason', 'correlationId', 'labels'],
].sort();

const ADA = { identity: 'ada-7f3a' };

const namesOf = (
  events: ReturnType<typeof traceEvents>,
  channel: string,
): string[] =>
  events
    .filter((each) => each.channel === channel)
    .map(({ event, context }) => `${event} ${context.operation}`);

describe('the tracing channels', () => {
  const pica = useEmulator();
  const one = useEmulator({ vendor: 'one' });

  it('publish a token and its calls, with their durations and statuses', async () => {
    const tokens = await createTokenService(pica);
    const events = traceEvents();
    await tokens.create(ADA);

    expect(namesOf(events, 'token')).toEqual([
      ...['start create', 'end create', 'asyncEnd create'],
    ]);
    const upstream = namesOf(events, 'upstream');
    expect(upstream).toHaveLength(3 * pica.requests.length);
    expect(upstream).toEqual(
      expect.arrayContaining([
        ...['start GET /v1/users/flags', 'asyncEnd GET /v1/users/flags'],
        ...['start POST /v1/authkit', 'asyncEnd POST /v1/authkit'],
      ]),
    );
    const ends = events.filter(({ event }) => event === 'asyncEnd');
    for (const { channel, context } of ends) {
      expect(context).toMatchObject({
        registration: 'default',
        vendor: 'pica',
        attempt: channel === 'upstream' ? 1 : undefined,
        status: channel === 'upstream' ? 200 : undefined,
        durationMs: expect.any(Number),
        reason: undefined,
      });
    }
  });

  it('publish the integrations of a page, and both vendors', async () => {
    const tokens = await createTokenService(one);
    const events = traceEvents();
    await tokens.integrations(ADA);
    expect(namesOf(events, 'token')).toContain('asyncEnd integrations');
    expect(events[0]!.context.vendor).toBe('one');
  });

  it('publish the connections by method and route, without ids', async () => {
    const connections = await createConnectionsService(pica);
    const { id, key } = pica.connect(ADA, 'gmail');
    const events = traceEvents();
    await connections.list(ADA);
    await connections.get(ADA, id);
    await connections.findByKey(ADA, key);
    await connections.delete(ADA, id);
    expect(
      namesOf(events, 'connections').filter((name) => /^asyncEnd/.test(name)),
    ).toEqual([
      ...['asyncEnd list', 'asyncEnd get', 'asyncEnd findByKey'],
      'asyncEnd delete',
    ]);
    expect(namesOf(events, 'upstream')).toEqual(
      expect.arrayContaining([
        'asyncEnd GET /v1/vault/connections',
        'asyncEnd GET /v1/vault/connections/:id',
        'asyncEnd DELETE /v1/vault/connections/:id',
      ]),
    );
  });

  it('carry one context for all events of an operation, with the documented keys alone', async () => {
    const tokens = await createTokenService(pica, { retries: 0 });
    const events = traceEvents();
    await tokens.create(ADA);
    pica.fault({ path: '/v1/authkit', status: 500 });
    await reasonOf(tokens.create(ADA));

    const errors = new Set(
      events
        .filter(({ event }) => event === 'error')
        .map(({ original }) => original),
    );
    expect(errors.size).toBeGreaterThanOrEqual(2);
    for (const { original } of events) {
      expect(Object.keys(original).sort()).toEqual(
        errors.has(original) ? [...KEYS, 'error'].sort() : KEYS,
      );
    }
    const tokensTraced = events.filter(({ channel }) => channel === 'token');
    expect(new Set(tokensTraced.map(({ original }) => original)).size).toBe(2);
  });

  it('publish a failed token with reason, status and correlation id, and each attempt with its number', async () => {
    const tokens = await createTokenService(pica, { retries: 2 });
    const events = traceEvents();
    pica.fault({
      path: '/v1/authkit',
      status: 503,
      headers: { 'x-one-correlation-id': 'cid-1' },
    });
    await reasonOf(tokens.create(ADA));

    const [failed] = events.filter(
      ({ channel, event }) => channel === 'token' && event === 'error',
    );
    expect(failed!.context).toMatchObject({
      status: 503,
      reason: 'unavailable',
      correlationId: 'cid-1',
      error: expect.objectContaining({ name: 'AuthKitException' }),
    });
    const attempts = events
      .filter(
        ({ channel, event, context }) =>
          channel === 'upstream' &&
          event === 'error' &&
          context.operation === 'POST /v1/authkit',
      )
      .map(({ context }) => context.attempt);
    // The second page is requested at once, and not again.
    expect(attempts).toEqual([1, 1, 2, 3]);
  });

  it('publish a call that a failing sibling has cancelled as cancelled, without an error', async () => {
    const tokens = await createTokenService(pica, { retries: 0 });
    const events = traceEvents();
    pica.fault({ page: 2, hang: true });
    pica.fault({ page: 1, status: 401 });
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');

    const ends = () =>
      events.filter(
        ({ event, context }) =>
          event === 'asyncEnd' && context.operation === 'POST /v1/authkit',
      );
    await until(() => ends().length === 2);
    const [, second] = ends();
    expect(second!.context).toMatchObject({
      reason: 'cancelled',
      durationMs: expect.any(Number),
    });
    expect(
      events.filter(
        ({ event, original }) =>
          event === 'error' && original === second!.original,
      ),
    ).toEqual([]);
  });

  it('publish a token whose client has gone as cancelled, without an error', async () => {
    const { tokenUrl } = await startApp({ pica });
    const events = traceEvents();
    pica.fault({ path: '/v1/authkit', hang: true });
    const client = new AbortController();
    const gone = requestToken(tokenUrl, { signal: client.signal }).catch(
      () => 'gone',
    );
    await until(() => pica.requests.length >= 2);
    client.abort();
    await gone;
    await until(() => namesOf(events, 'token').includes('asyncEnd create'));
    const ended = events.find(
      ({ channel, event }) => channel === 'token' && event === 'asyncEnd',
    );
    expect(ended!.context.reason).toBe('cancelled');
    expect(namesOf(events, 'token')).not.toContain('error create');
  });

  it('never carry key, identity, header or body, however inspected', async () => {
    const { get, tokens } = await createApp({ pica, options: { retries: 0 } });
    const connections = get(AuthKitConnectionsService);
    const { id } = pica.connect(ADA, 'gmail');
    pica.connect(ADA, 'gmail');
    await connections.update(ADA, id, { name: 'label-of-ada' });
    const events = traceEvents();
    await tokens.create(ADA);
    await connections.list(ADA);
    expect(await reasonOf(connections.resolve(ADA))).toBe('ambiguous');
    pica.fault({ status: 401 });
    await reasonOf(tokens.create(ADA));
    await reasonOf(connections.get(ADA, id));

    const shown = inspect(events, { depth: Infinity, showHidden: true });
    for (const secret of [pica.secretKey, ADA.identity, 'label-of-ada', id]) {
      expect(shown).not.toContain(secret);
    }
    expect(shown).not.toMatch(/x-pica-secret/i);
  });

  it('run each call in the async context of its own token, also where it waited for another one', async () => {
    const tokens = await createTokenService(pica, { cache: { flags: false } });
    const storage = new AsyncLocalStorage<string>();
    const parents = new AsyncLocalStorage<AuthKitTraceContext>();
    const token = tracingChannel('nestjs-pica-authkit:token');
    token.start.bindStore(parents as AsyncLocalStorage<unknown>);
    afterTest(() =>
      token.start.unbindStore(parents as AsyncLocalStorage<unknown>),
    );
    const seen: (string | undefined)[] = [];
    const upstream = tracingChannel('nestjs-pica-authkit:upstream');
    const subscriber = () => {
      seen.push(storage.getStore());
      expect(parents.getStore()?.operation).toBe('create');
    };
    upstream.start.subscribe(subscriber);
    afterTest(() => upstream.start.unsubscribe(subscriber));
    await tokens.create(ADA);
    pica.latency = 10;

    const names = Array.from({ length: 30 }, (_, index) => `user-${index}`);
    await Promise.all(
      names.map((identity) =>
        storage.run(identity, () => tokens.create({ identity })),
      ),
    );
    for (const name of names) {
      // Flags and two pages.
      expect(seen.filter((each) => each === name)).toHaveLength(3);
    }
  });
});
