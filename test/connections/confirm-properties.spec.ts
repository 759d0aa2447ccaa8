import fc from 'fast-check';
import {
  AuthKitConnectionsService,
  AuthKitException,
  type AuthKitConnection,
} from '../../lib/index.js';
import { createApp } from '../support/app.js';
import { ADA, VENDOR_NAMES } from '../support/connections.js';
import {
  startConnectionsUpstream,
  type UpstreamCall,
} from '../support/connections-upstream.js';

/** `PROPERTY_RUNS=10000 npm test -- test/connections/confirm-properties` runs as many for each vendor. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 120);
const HOUR = 3_600_000;

const states = fc.constantFrom('operational', 'failed', 'inactive');
/** How long ago a connection was created, in ms; `undefined` for one that has no date. */
const ages = fc.constantFrom(
  undefined,
  0,
  1_000,
  HOUR - 60_000,
  HOUR + 60_000,
  390 * 24 * HOUR,
);

const world = fc
  .record({
    old: fc.record({ state: states, age: ages }),
    new: fc.record({ state: states, age: ages }),
    hasLabel: fc.boolean(),
    /** `each other`: a second page claims the reverse. */
    second: fc.constantFrom('none', 'the same', 'each other'),
    /** What happens to the new connection, or to onConnected, and when. */
    event: fc.constantFrom('none', 'throws', 'is deleted', 'breaks'),
    moment: fc.constantFrom('onConnected', 'the copy', 'the last look'),
    /** ms before each request is handled, in turn. */
    delays: fc.array(fc.nat(6), { minLength: 1, maxLength: 8 }),
  })
  .map((given) => ({
    ...given,
    // What happens to the connection of one page between look and deletion of the other is nobody's to prevent.
    event:
      given.second === 'each other' && given.event !== 'throws'
        ? 'none'
        : given.event,
  }));

const isWorking = ({ state, active }: AuthKitConnection) =>
  state === 'operational' && active !== false;

/** design: where both have dates, the new one is not older and at most an hour old; else the old one does not work. */
function mayReplace(old: AuthKitConnection, replacement: AuthKitConnection) {
  if (!isWorking(replacement)) return false;
  if (!old.createdAt || !replacement.createdAt) return !isWorking(old);
  const [before, after] = [old, replacement].map(({ createdAt }) =>
    Date.parse(createdAt as string),
  );
  return after! >= before! && Date.now() - after! < HOUR;
}

describe.each(VENDOR_NAMES)('confirm() of connections of %s', (vendor) => {
  it(
    'keeps its rule and its order in every interleaving, and never leaves the user with none',
    async () => {
      const upstream = await startConnectionsUpstream();
      let onConnected: (
        connection: AuthKitConnection,
        owner: unknown,
        context: {
          replaced?: AuthKitConnection;
          others: readonly AuthKitConnection[];
        },
      ) => void = () => {};
      const app = await createApp({
        pica: { ...upstream, vendor },
        options: {
          retries: 0,
          onConnected: (...args) => onConnected(...args),
        },
      });
      const service = app.get(AuthKitConnectionsService);

      await fc.assert(
        fc.asyncProperty(world, async (given) => {
          const now = Date.now();
          const row = (id: string, { state, age }: typeof given.old) =>
            ({
              id,
              key: `key-${id}`,
              platform: 'gmail',
              identity: 'ada',
              state: state === 'inactive' ? 'operational' : state,
              active: state !== 'inactive',
              ...(age !== undefined && {
                createdAt: new Date(now - age).toISOString(),
              }),
              ...(given.hasLabel && { name: id, tags: [id] }),
            }) as AuthKitConnection;
          const before = {
            old: row('old', given.old),
            new: row('new', given.new),
          };
          const other = row('other', { state: 'operational', age: 5 });
          upstream.rows = structuredClone([before.old, before.new, other]);

          const log: string[] = [];
          const thrown = new Error('not now');
          let isDue = given.event !== 'none';
          const happen = (moment: string) => {
            const isThrown = given.event === 'throws';
            const expected = isThrown ? 'onConnected' : given.moment;
            if (!isDue || moment !== expected) return;
            isDue = false;
            if (isThrown) throw thrown;
            if (given.event === 'is deleted') upstream.remove('new');
            const left = upstream.rows.find(({ id }) => id === 'new');
            if (given.event === 'breaks' && left) left.state = 'failed';
          };
          onConnected = ({ id }, _owner, { replaced, others }) => {
            log.push(`onConnected ${id}`);
            const ids = others.map((each) => each.id);
            expect(ids).toContain('other');
            expect(ids).not.toContain(id);
            expect(ids).not.toContain(replaced?.id);
            happen('onConnected');
          };
          let count = 0;
          upstream.before = async ({ method, id }: UpstreamCall) => {
            const { delays } = given;
            const ms = delays[count++ % delays.length]!;
            if (ms > 0) await new Promise((done) => setTimeout(done, ms));
            if (!id) return;
            if (method === 'PATCH') happen('the copy');
            if (method === 'GET' && id === 'new') happen('the last look');
            const found = upstream.rows.find((each) => each.id === id);
            log.push(
              `${method} ${id}${found && !isWorking(found) ? ' broken' : ''}${found ? '' : ' gone'}`,
            );
          };

          const confirm = (id: 'old' | 'new') =>
            service
              .confirm(ADA, `key-${id}`, {
                replaces: id === 'new' ? 'old' : 'new',
                waitFor: 0,
              })
              .catch((error: unknown) => error as Error);
          const outcomes = await Promise.all([
            confirm('new'),
            ...(given.second === 'the same' ? [confirm('new')] : []),
            ...(given.second === 'each other' ? [confirm('old')] : []),
          ]);

          const left = upstream.rows.map(({ id }) => id);
          expect(left).toContain('other');
          expect(left.length).toBeGreaterThan(1);
          for (const outcome of outcomes) {
            if (!(outcome instanceof Error)) continue;
            if (outcome !== thrown) {
              expect(outcome).toBeInstanceOf(AuthKitException);
            }
          }
          for (const [index, entry] of log.entries()) {
            const [method, replaced] = entry.split(' ') as [string, 'old'];
            if (method !== 'DELETE') continue;
            const by = replaced === 'old' ? 'new' : ('old' as const);
            expect(mayReplace(before[replaced], before[by])).toBe(true);
            const earlier = log.slice(0, index);
            const last = (wanted: string) => earlier.lastIndexOf(wanted);
            expect(last(`onConnected ${by}`)).not.toBe(-1);
            expect(last(`GET ${by}`)).toBeGreaterThan(
              earlier.indexOf(`onConnected ${by}`),
            );
            if (given.hasLabel) {
              expect(last(`PATCH ${by}`)).toBeGreaterThan(
                earlier.indexOf(`onConnected ${by}`),
              );
              expect(last(`GET ${by}`)).toBeGreaterThan(last(`PATCH ${by}`));
            }
            // It was there and worked when it was looked at for the last time.
            expect(
              earlier.filter((each) => each.startsWith(`GET ${by}`)).at(-1),
            ).toBe(`GET ${by}`);
          }
          if (given.event !== 'none' && !isDue && given.event !== 'throws') {
            expect(left).toContain('old');
          }
          if (given.second === 'none') {
            const [outcome] = outcomes;
            const replaces = mayReplace(before.old, before.new);
            if (given.event === 'throws') {
              expect(outcome).toBe(thrown);
              expect(left).toEqual(['old', 'new', 'other']);
              expect(log.some((each) => each.startsWith('PATCH'))).toBe(false);
            } else if (isDue || given.event === 'none') {
              expect(outcome).toMatchObject({ connection: { id: 'new' } });
              expect((outcome as { replaced?: unknown }).replaced).toEqual(
                replaces ? before.old : undefined,
              );
              expect(left.includes('old')).toBe(!replaces);
            }
          }
        }),
        { numRuns: RUNS },
      );
    },
    20_000 + RUNS * 200,
  );
});
