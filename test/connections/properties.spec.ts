import fc from 'fast-check';
import {
  AuthKitConnectionsService,
  AuthKitException,
  type AuthKitConnection,
  type AuthKitIdentity,
} from '../../lib/index.js';
import type { EmulatorConnection } from '../../lib/testing/index.js';
import { createApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { mockBackoff } from '../support/mocks.js';

/** `PROPERTY_RUNS=10000 npm test -- test/connections/properties` runs as many for each vendor. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 60);

const identities = fc.constantFrom('ada', 'bob', 'a,da', 'ada bob', 'Ada');
const types = fc.constantFrom('user', 'team', undefined);
const platforms = fc.constantFrom('gmail', 'slack', 'notion');
const tags = fc.subarray(['red', 'blue', 'a,b']);
const owner = fc.record({ identity: identities, identityType: types });

const world = fc.record({
  connections: fc.array(
    fc.record({
      owner: fc.option(owner, { nil: {} }),
      platform: platforms,
      tags,
      state: fc.constantFrom('operational', 'failed', 'degraded'),
    }),
    { maxLength: 30 },
  ),
  caller: owner,
  ignoreFilters: fc.oneof(
    fc.boolean(),
    fc.subarray(['identity', 'identityType', 'platform', 'key', 'tags']),
  ),
  filter: fc.record(
    { platform: platforms, tags, active: fc.constantFrom(true, false, 'any') },
    { requiredKeys: [] },
  ),
  limit: fc.integer({ min: 1, max: 7 }),
  faults: fc.array(
    fc.constantFrom({ status: 503 }, { reset: true }, { status: 404 }),
    { maxLength: 1 },
  ),
  faultEvery: fc.integer({ min: 5, max: 40 }),
  pick: fc.nat(),
});

const isOwn = (
  row: EmulatorConnection,
  { identity, identityType }: AuthKitIdentity,
) =>
  row.identity === identity &&
  (row.identityType ?? 'user') === (identityType ?? 'user');

describe.each(['pica', 'one'] as const)('connections of %s', (vendor) => {
  const pica = useEmulator({ vendor, integrations: 250 });

  it(
    'of other owners are never returned, changed or deleted, whatever the upstream does',
    async () => {
      const { app } = await createApp({
        pica,
        options: { retries: 1, timeout: 5_000 },
      });
      mockBackoff(0);
      const service = app.get(AuthKitConnectionsService, { strict: false });

      await fc.assert(
        fc.asyncProperty(world, async (given) => {
          pica.reset();
          for (const { owner, platform, ...more } of given.connections) {
            pica.connect(owner as AuthKitIdentity, platform, more as object);
          }
          const caller = given.caller as AuthKitIdentity;
          const foreign = pica.connections.filter((row) => !isOwn(row, caller));
          const own = pica.connections.filter((row) => isOwn(row, caller));
          pica.ignoreFilters = given.ignoreFilters as boolean;
          let count = 0;
          for (const fault of given.faults) {
            const when = () => ++count % given.faultEvery === 0;
            pica.fault({ ...fault, when } as object);
          }

          const returned: AuthKitConnection[] = [];
          const attempt = async <T>(run: () => Promise<T>) => {
            try {
              return await run();
            } catch (error) {
              expect(error).toBeInstanceOf(AuthKitException);
              return undefined;
            }
          };
          const { filter, limit, pick } = given;
          const page = await attempt(() =>
            service.list(caller, { ...filter, limit } as object),
          );
          returned.push(...(page?.rows ?? []));
          if (page && given.faults.length === 0) {
            const matching = own.filter(
              (row) =>
                (!filter.platform || row.platform === filter.platform) &&
                (filter.tags ?? []).every((tag) => row.tags.includes(tag)) &&
                [undefined, 'any', row.active].includes(filter.active),
            );
            expect(page.total).toBe(matching.length);
            expect(page.pages).toBe(Math.ceil(matching.length / limit));
          }
          const target =
            pica.connections[pick % (pica.connections.length || 1)];
          if (target) {
            const isMine = isOwn(target, caller);
            const found = await attempt(() => service.get(caller, target.id));
            if (found) returned.push(found);
            const byKey = await attempt(() =>
              service.findByKey(caller, target.key),
            );
            if (byKey) returned.push(byKey);
            if (!isMine) {
              await attempt(() =>
                service.update(caller, target.id, { name: 'taken', tags: [] }),
              );
              await attempt(() => service.delete(caller, target.id));
              const mine = own[0];
              if (mine) {
                await attempt(() =>
                  service.replace(caller, target.id, mine.key),
                );
                await attempt(() =>
                  service.replace(caller, mine.id, target.key),
                );
              }
            }
          }
          const resolved = await attempt(() =>
            service.resolve(caller, { platform: filter.platform }),
          );
          if (resolved) returned.push(resolved);
          const deleted = await attempt(() => service.deleteAll(caller));

          for (const row of returned) {
            expect(isOwn(row as unknown as EmulatorConnection, caller)).toBe(
              true,
            );
          }
          const left = pica.connections;
          expect(left.filter((row) => !isOwn(row, caller))).toEqual(foreign);
          if (deleted !== undefined) {
            expect(left.filter((row) => isOwn(row, caller))).toEqual([]);
          }
        }),
        { numRuns: RUNS },
      );
    },
    20_000 + RUNS * 100,
  );
});
