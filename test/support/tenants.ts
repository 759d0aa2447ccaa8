// The checks of a property, which tests of two suites share.
// oxlint-disable jest/no-standalone-expect
import { LIMITS } from '../../lib/options/limits.js';
import { Agent, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import {
  AuthKitConnectionsService,
  AuthKitException,
  type AuthKitConnection,
  type AuthKitIdentityType,
  type AuthKitIntegration,
  type AuthKitVendor,
} from '../../lib/index.js';
import type { GrantUses } from '../../lib/options/grant.options.js';
import type { EmulatorRequest, PicaEmulator } from '../../lib/testing/index.js';
import { startApp, type RunningApp } from './app.js';
import { afterTest } from './cleanup.js';
import { useEmulator } from './emulator.js';
import { requestGrant, requestToken } from './http.js';
import { startServer } from './server.js';

const KEYS = ['sk_test_red', 'sk_test_blue'] as const;
const SCOPES = [
  {},
  { organizationId: 'org-1' },
  { organizationId: 'org-1', projectId: 'prj-1' },
  { projectId: 'prj-1' },
] as const;
const TENANTS = ['acme', 'globex', undefined] as const;
const IDENTITIES = ['ada', 'bob'] as const;
const TYPES = ['user', 'team', undefined] as const;
/** The platforms, which are the integrations of every account. */
const PLATFORMS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta'];

type Tenant = (typeof TENANTS)[number];

/** A secret key and a scope, as text. */
type AccountName = string;

const nameOf = (
  key: string,
  { organizationId = '-', projectId = '-' }: Record<string, string>,
): AccountName => [key, organizationId, projectId].join('/');

/** The account to which a request to the upstream belongs. */
const accountOf = ({ headers }: Pick<EmulatorRequest, 'headers'>) =>
  nameOf(String(headers['x-pica-secret'] ?? headers['x-one-secret']), {
    ...(headers['x-one-organization-id'] && {
      organizationId: String(headers['x-one-organization-id']),
    }),
    ...(headers['x-one-project-id'] && {
      projectId: String(headers['x-one-project-id']),
    }),
  });

/**
 * The rows of an account. All of them but the first name the account; the first
 * is equal everywhere, so that known rows of another account would count. Each
 * is for one tenant, or for all.
 */
function rowsOf(account: AccountName): AuthKitIntegration[] {
  return PLATFORMS.map((platform, index) => ({
    id: `row-${index}`,
    connectionDefId: `def-${index}`,
    type: platform,
    title: platform,
    tags: [index === 0 ? 'first' : account],
    for: [undefined, 'acme', 'globex'][index % 3],
  }));
}

const isFor = ({ for: only }: AuthKitIntegration, tenant: Tenant) =>
  only === undefined || only === tenant;

/** Which key and which scope each identity of each tenant has: in no order. */
const assignment = fc.record({
  keys: fc.array(fc.constantFrom(...KEYS), { minLength: 6, maxLength: 6 }),
  scopes: fc.array(fc.constantFrom(...SCOPES), { minLength: 6, maxLength: 6 }),
});
type Assignment = {
  keys: (typeof KEYS)[number][];
  scopes: (typeof SCOPES)[number][];
};

const caller = fc.record({
  identity: fc.constantFrom(...IDENTITIES),
  identityType: fc.constantFrom<AuthKitIdentityType | undefined>(...TYPES),
  tenant: fc.constantFrom(...TENANTS),
});
type Caller = {
  identity: (typeof IDENTITIES)[number];
  identityType: AuthKitIdentityType | undefined;
  tenant: Tenant;
};

const operation = fc.record({
  what: fc.constantFrom(
    'token',
    'json',
    'page',
    'integrations',
    'connect',
    'list',
    'find',
    'grant',
    'redeem',
  ),
  who: caller,
  instance: fc.nat(1),
  pick: fc.nat(),
});
type Operation = {
  what: string;
  who: Caller;
  instance: number;
  pick: number;
};

const world = fc.record({
  assignment,
  isShared: fc.boolean(),
  seed: fc.integer(),
  /** Operations of one batch run at the same time. */
  batches: fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), {
    minLength: 4,
    maxLength: 12,
  }),
});

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Where the two instances of a run share their used grants. */
function createGrantUses(): GrantUses {
  const used = new Set<string>();
  return {
    async add(id) {
      const { size } = used;
      return used.add(id).size > size;
    },
  };
}

/** How often each operation has succeeded. */
export type Successes = Record<string, number>;

/** The accounts of a vendor, each with an emulator of its own, and apps of several tenants that use them. */
export interface TenantWorlds {
  /**
   * Runs random sequences of tokens, lists, connections and grants over keys,
   * scopes, tenants and identities, in two instances of an app.
   *
   * @throws {Error} where a reply has what belongs to another account, tenant or identity
   */
  check(runs: number): Promise<Successes>;
}

/** Gives the tests of the `describe` block the accounts of a vendor. */
export function useTenantWorlds(vendor: AuthKitVendor): TenantWorlds {
  const scopes = vendor === 'one' ? SCOPES : [{}];
  const accounts = new Map<AccountName, PicaEmulator>();
  for (const key of KEYS) {
    for (const scope of scopes) {
      const account = nameOf(key, scope);
      accounts.set(
        account,
        useEmulator({
          vendor,
          secretKey: key,
          integrations: rowsOf(account),
          whiteLabel: key === KEYS[0],
          requestId: ({ body }) => sessionOf(account, body as Caller),
        }),
      );
    }
  }

  return {
    async check(runs) {
      const baseUrl = await startRouter(accounts);
      const successes: Successes = {};
      await fc.assert(
        fc.asyncProperty(world, async (given) => {
          for (const emulator of accounts.values()) emulator.reset();
          injectFaults([...accounts.values()], randomOf(given.seed));
          const singleUse = given.isShared ? createGrantUses() : true;
          const start = () =>
            startTenantApp(vendor, baseUrl, given.assignment, singleUse);
          const apps = await Promise.all([start(), start()]);
          const run = new Run(
            vendor,
            accounts,
            given.assignment,
            apps,
            given.isShared,
          );
          try {
            for (const batch of given.batches) {
              await Promise.all(batch.map((each) => run.perform(each)));
            }
            run.checkUpstream();
          } finally {
            await Promise.all(apps.map((app) => app.close()));
          }
          for (const what of run.succeeded) {
            successes[what] = (successes[what] ?? 0) + 1;
          }
        }),
        // Shrinking a failure ends then, and shows what it has found.
        { numRuns: runs, interruptAfterTimeLimit: 20_000 + runs * 1_000 },
      );
      return successes;
    },
  };
}

let sessions = 0;
/** A `requestId` that tells for whom it was created. */
function sessionOf(
  account: AccountName,
  { identity, identityType, tags }: Caller & { tags?: string[] },
): string {
  return [account, identity, identityType ?? '-', tags, ++sessions].join('|');
}

/** Faults for 2 % of the requests. */
function injectFaults(
  emulators: readonly PicaEmulator[],
  random: () => number,
): void {
  const effects = [
    { status: 503 },
    { reset: true },
    { malformed: true },
    { status: 429, headers: { 'retry-after': '0' } },
  ] as const;
  for (const emulator of emulators) {
    for (const effect of effects) {
      emulator.fault({ ...effect, when: () => random() < 0.005 } as object);
    }
  }
}

/** Starts a server that hands each request on to the emulator of its account. */
function startRouter(
  accounts: ReadonlyMap<AccountName, PicaEmulator>,
): Promise<string> {
  const agent = new Agent({ keepAlive: true });
  afterTest(() => agent.destroy());
  return startServer((incoming, outgoing) => {
    const emulator = accounts.get(accountOf(incoming));
    if (!emulator) return void outgoing.writeHead(500).end();
    const onward = httpRequest(emulator.url + incoming.url!, {
      method: incoming.method,
      headers: incoming.headers,
      agent,
    });
    onward.on('error', () => outgoing.destroy());
    onward.on('response', (response) => {
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
    });
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
}

const indexOf = ({ identity, tenant }: Caller) =>
  IDENTITIES.indexOf(identity) * TENANTS.length + TENANTS.indexOf(tenant);
const scopeOf = ({ scopes }: Assignment, who: Caller) => scopes[indexOf(who)]!;
const keyOf = ({ keys }: Assignment, who: Caller) => keys[indexOf(who)]!;

function startTenantApp(
  vendor: AuthKitVendor,
  baseUrl: string,
  assigned: Assignment,
  singleUse: true | GrantUses,
): Promise<RunningApp> {
  return startApp({
    options: {
      vendor,
      baseUrl,
      secretKey: async (identity) => keyOf(assigned, identity as Caller),
      ...(vendor === 'one' && {
        scope: async (identity: unknown) =>
          scopeOf(assigned, identity as Caller),
      }),
      connection: (identity) => ({ tags: [identity?.tenant ?? 'none'] }),
      allowIntegration: (row, identity) =>
        isFor(row, identity?.tenant as Tenant),
      // The session of the kit has an id alone.
      identity: ({ user }) =>
        JSON.parse(Buffer.from(user.id, 'hex').toString()),
      [LIMITS]: { pageSize: 3 },
      paging: 'all',
      grant: { singleUse },
    },
    controller: { grants: true },
  });
}

/** One sequence of operations, and what is known of it. */
class Run {
  readonly succeeded: string[] = [];
  private readonly sessions = new Set<string>();
  private readonly grants: { who: Caller; headers: Record<string, string> }[] =
    [];
  private readonly redeemed = new Set<string>();

  constructor(
    private readonly vendor: AuthKitVendor,
    private readonly accounts: ReadonlyMap<AccountName, PicaEmulator>,
    private readonly assigned: Assignment,
    private readonly apps: readonly RunningApp[],
    /** Whether a grant is accepted once in all instances. */
    private readonly isShared: boolean,
  ) {}

  /** Performs an operation and checks what it returns. It may fail as the documents say. */
  async perform(operation: Operation): Promise<void> {
    try {
      const isDone = await this.attempt(operation);
      if (isDone) this.succeeded.push(operation.what);
    } catch (error) {
      if (!(error instanceof AuthKitException)) throw error;
    }
  }

  private async attempt({
    what,
    who,
    instance,
    pick,
  }: Operation): Promise<boolean> {
    const app = this.apps[instance]!;
    const connections = app.get(AuthKitConnectionsService);
    const { identity, identityType } = who;
    switch (what) {
      case 'token':
        this.checkToken(who, await app.tokens.create(who));
        return true;
      case 'json': {
        const json = await app.tokens.createJson(who);
        this.checkToken(who, JSON.parse(String(json)));
        return true;
      }
      case 'page': {
        const page = (pick % 3) + 1;
        const token = await app.tokens.create(who, { page, limit: 3 });
        const rows = this.rowsOf(who).slice((page - 1) * 3, page * 3);
        this.checkToken(who, token, rows);
        return true;
      }
      case 'integrations': {
        const list = await app.tokens.integrations(who, { connections: true });
        const expected = this.rowsOf(who).filter((row) =>
          isFor(row, who.tenant),
        );
        expect(list).toEqual(
          expected.map((row) => ({
            ...row,
            platform: row.type,
            name: row.title,
            category: row.tags![0],
            connections: expect.any(Array),
          })),
        );
        for (const listing of list) {
          this.checkConnections(who, listing.connections!);
          // The caller's own objects.
          listing.tags!.push(`changed by ${this.accountOf(who)}`);
        }
        return true;
      }
      case 'connect': {
        const platform = PLATFORMS[pick % PLATFORMS.length]!;
        const account = this.accountOf(who);
        const owner = { identity, identityType };
        const scope = this.vendor === 'one' ? scopeOf(this.assigned, who) : {};
        const details = { name: account, ...scope };
        this.accounts.get(account)!.connect(owner, platform, details);
        return true;
      }
      case 'list': {
        const { rows } = await connections.list(who, { limit: 150 });
        this.checkConnections(who, rows);
        return rows.length > 0;
      }
      case 'find': {
        const all = [...this.accounts.values()].flatMap(
          (emulator) => emulator.connections,
        );
        if (all.length === 0) return false;
        const { id, key } = all[pick % all.length]!;
        const found = await connections.findByKey(who, key);
        if (found) this.checkConnections(who, [found]);
        this.checkConnections(who, [await connections.get(who, id)]);
        return true;
      }
      case 'grant': {
        const id = Buffer.from(JSON.stringify(who)).toString('hex');
        const { status, body } = await requestGrant(app.tokenUrl, {
          cookie: `sid=${id}`,
        });
        expect(status).toBe(200);
        this.grants.push({ who, headers: body.headers });
        return true;
      }
      default: {
        if (this.grants.length === 0) return false;
        const index = pick % this.grants.length;
        const { who: owner, headers } = this.grants[index]!;
        const { status, body } = await requestToken(app.tokenUrl, { headers });
        if (status !== 200) return false;
        this.checkToken(owner, body);
        // Once in all instances that share their used grants, once in each where they do not.
        const place = this.isShared ? 'all' : instance;
        expect(this.redeemed).not.toContain(`${index} in ${place}`);
        this.redeemed.add(`${index} in ${place}`);
        return true;
      }
    }
  }

  /** Checks that every call carried what its caller's tenant has, and nothing else. */
  checkUpstream(): void {
    for (const [account, { requests }] of this.accounts) {
      for (const { method, path, body } of requests) {
        if (method !== 'POST' || !path.startsWith('/v1/authkit')) continue;
        const { identity, identityType, tags } = body as Caller & {
          tags?: [string];
        };
        // A list of integrations needs no label.
        if (!tags) continue;
        const tenant = tags[0] === 'none' ? undefined : (tags[0] as Tenant);
        const who = { identity, identityType, tenant };
        expect(this.accountOf(who)).toBe(account);
        expect(Object.keys(body as object)).not.toContain('tenant');
      }
    }
  }

  private accountOf(who: Caller): AccountName {
    const scope = this.vendor === 'one' ? scopeOf(this.assigned, who) : {};
    return nameOf(keyOf(this.assigned, who), scope);
  }

  private rowsOf(who: Caller): AuthKitIntegration[] {
    // As JSON has them.
    return JSON.parse(JSON.stringify(rowsOf(this.accountOf(who))));
  }

  private checkToken(
    who: Caller,
    token: { rows: object[]; requestId: unknown; isWhiteLabel?: boolean },
    rows = this.rowsOf(who),
  ): void {
    const { identity, identityType = '-', tenant = 'none' } = who;
    expect(token.rows).toEqual(
      rows.filter((row) => isFor(row, tenant as Tenant)),
    );
    const requestId = String(token.requestId);
    expect(requestId.split('|').slice(0, -1)).toEqual([
      this.accountOf(who),
      identity,
      identityType,
      tenant,
    ]);
    // No two tokens share one.
    expect(this.sessions).not.toContain(requestId);
    this.sessions.add(requestId);
    // A flag that cannot be fetched is false.
    if (token.isWhiteLabel) expect(keyOf(this.assigned, who)).toBe(KEYS[0]);
  }

  private checkConnections(
    who: Caller,
    connections: readonly AuthKitConnection[],
  ): void {
    for (const { name, identity, identityType } of connections) {
      expect({ name, identity, type: identityType ?? 'user' }).toEqual({
        name: this.accountOf(who),
        identity: who.identity,
        type: who.identityType ?? 'user',
      });
    }
  }
}
