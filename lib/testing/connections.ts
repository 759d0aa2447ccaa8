import type {
  AuthKitIdentityType,
  AuthKitIntegration,
} from '../authkit.types.js';
import {
  BOOLEAN,
  FILLED_STRING,
  oneOf,
  rule,
  STRING,
  STRINGS,
  type Rules,
} from './check-argument.js';
import { platformOf, uuid } from './integrations.js';
import type { ConnectionFilter, VendorProfile } from './vendor-profiles.js';

/** The types of identity that the service accepts. */
export const IDENTITY_TYPES: readonly AuthKitIdentityType[] = [
  'user',
  'team',
  'organization',
  'project',
];

const STATES = ['operational', 'degraded', 'failed', 'unknown'] as const;

/**
 * The owner of a connection.
 *
 * @publicApi
 */
export interface EmulatorOwner {
  /** Default: none, the connection has no owner */
  identity?: string | null;

  /** Default: none, which counts as `user` */
  identityType?: AuthKitIdentityType | null;
}

export const OWNER_RULES: Rules<EmulatorOwner> = {
  identity: STRING,
  identityType: oneOf(IDENTITY_TYPES),
};

/**
 * A connection: the row of `GET /v1/vault/connections` and, in addition,
 * `connectionDefinitionId`. The widget passes it to `onSuccess`.
 *
 * @publicApi
 */
export interface EmulatorConnection {
  /** A UUID. */
  readonly id: string;
  readonly platformVersion: string;
  /** Default: the integration's title */
  readonly name: string | null;
  readonly type: string;
  /** The key for calls through the service: `test::gmail::default::ada`. It is unique. */
  readonly key: string;
  readonly environment: string;
  /** E.g. `gmail`. */
  readonly platform: string;
  readonly identity: string | null;
  readonly identityType: AuthKitIdentityType | null;
  readonly description: string;
  readonly image: string;
  readonly title: string | null;
  readonly connector: string;
  /** `failed`: the user has to connect again. */
  readonly state: (typeof STATES)[number];
  readonly tags: readonly string[];
  readonly version: string;
  readonly active: boolean;
  /** A date-time string. One has no such field. */
  readonly createdAt?: string;
  /** The `connectionDefId` of the token row. It is not part of the list. */
  readonly connectionDefinitionId: string;
}

/** The vendor's own tenant: the headers of a request select it. */
export interface Tenant {
  readonly organizationId?: string;
  readonly projectId?: string;
}

/**
 * What a test may decide about a connection that it creates with `pica.connect()`.
 *
 * @publicApi
 */
export interface EmulatorConnectionDetails {
  /** Default: the integration's title. An empty string is `null` in the row. */
  name?: string;

  /** Default: none */
  tags?: readonly string[];

  /** Default: `operational` */
  state?: (typeof STATES)[number];

  /** Default: true, but false with the state `failed` */
  active?: boolean;

  /** Default: a new key, e.g. `test::gmail::default::ada` */
  key?: string;

  /** A date-time string. An empty one leaves the field out. Default: now, and with One no field */
  createdAt?: string;

  /** The key of the account. Default: the first account's */
  secretKey?: string;

  /** One's organization: requests have to select it. Default: none, the personal scope */
  organizationId?: string;

  /** One's project. Default: none */
  projectId?: string;
}

export const DETAILS_RULES: Rules<EmulatorConnectionDetails> = {
  name: STRING,
  tags: STRINGS,
  state: oneOf(STATES),
  active: BOOLEAN,
  key: FILLED_STRING,
  createdAt: rule(
    'a date-time string, or an empty one for none',
    (value) => value === '' || !Number.isNaN(Date.parse(String(value))),
  ),
  secretKey: { ...STRING, isSecret: true },
  organizationId: FILLED_STRING,
  projectId: FILLED_STRING,
};

interface Entry {
  readonly connection: EmulatorConnection;
  readonly tenant: Tenant;
  /** Its credentials are dead, whatever the row says. */
  readonly isDead: boolean;
}

/** The connections of an account, in the order of their creation. */
export class ConnectionStore {
  private readonly entries = new Map<string, Entry>();
  /** Of deleted connections too: a key is never used again. */
  private readonly keys = new Set<string>();

  /** @param nextSerial counts the connections of all accounts */
  constructor(
    private readonly profile: VendorProfile,
    private readonly nextSerial: () => number,
  ) {}

  all(): EmulatorConnection[] {
    return [...this.entries.values()].map(({ connection }) => connection);
  }

  /** The connections of a tenant that meet the given filters of a query. */
  find(
    tenant: Tenant,
    query: Readonly<Record<string, string | undefined>>,
    filters: readonly ConnectionFilter[],
  ): EmulatorConnection[] {
    return [...this.entries.values()]
      .filter((entry) => isSameTenant(entry.tenant, tenant))
      .map(({ connection }) => connection)
      .filter((connection) =>
        filters.every((filter) =>
          meetsFilter(connection, filter, query[filter]),
        ),
      );
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** @returns `undefined` also for a connection of another tenant */
  get(id: string, tenant: Tenant): EmulatorConnection | undefined {
    const entry = this.entries.get(id);
    return entry && isSameTenant(entry.tenant, tenant)
      ? entry.connection
      : undefined;
  }

  /** The connection that a call may use. */
  findUsable(key: string, tenant: Tenant): EmulatorConnection | undefined {
    const found = [...this.entries.values()].find(
      ({ connection, ...entry }) =>
        connection.key === key &&
        isSameTenant(entry.tenant, tenant) &&
        this.isUsable(connection.id),
    );
    return found?.connection;
  }

  /** Whether calls with a connection succeed. */
  isUsable(id: string): boolean {
    const entry = this.entries.get(id);
    if (!entry || entry.isDead) return false;
    return entry.connection.active && entry.connection.state !== 'failed';
  }

  add(
    integration: AuthKitIntegration,
    details: EmulatorOwner & EmulatorConnectionDetails,
  ): EmulatorConnection {
    const { connectionDefId, id, title, image } = integration;
    const { environment = 'test' } = integration;
    const { identity = null, identityType = null, state } = details;
    const { organizationId, projectId } = details;
    const platform = platformOf(integration);
    const serial = this.nextSerial();
    const key =
      details.key ??
      this.newKey(
        `${environment}::${platform}::default::`,
        // As documented; an identity-less key ends in something unique (inferred).
        identity?.replace(/[\s:]/g, '-') ??
          serial.toString(16).padStart(8, '0'),
      );
    this.keys.add(key);
    const createdAt =
      details.createdAt ??
      (this.profile.hasDates ? new Date().toISOString() : '');
    const connection: EmulatorConnection = {
      id: uuid('c', serial),
      platformVersion: 'v1',
      name: (details.name ?? title ?? platform) || null,
      type: 'api',
      key,
      environment,
      platform,
      identity,
      identityType,
      description: '',
      image: image ?? '',
      title: title ?? null,
      connector: platform,
      state: state ?? 'operational',
      tags: Object.freeze([...(details.tags ?? [])]),
      version: '1.0.0',
      active: details.active ?? state !== 'failed',
      ...(createdAt && { createdAt }),
      connectionDefinitionId: String(connectionDefId ?? id),
    };
    const tenant = { organizationId, projectId };
    return this.put({ connection, tenant, isDead: false });
  }

  /** @returns `undefined` for an unknown id */
  update(
    id: string,
    change: Partial<EmulatorConnection>,
    isDead?: boolean,
  ): EmulatorConnection | undefined {
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    const connection = { ...entry.connection, ...change };
    return this.put({ ...entry, connection, isDead: isDead ?? entry.isDead });
  }

  delete(id: string): boolean {
    return this.entries.delete(id);
  }

  clear(): void {
    this.entries.clear();
    this.keys.clear();
  }

  private put(entry: Entry): EmulatorConnection {
    const { connection } = entry;
    this.entries.set(connection.id, entry);
    return Object.freeze(connection);
  }

  private newKey(prefix: string, suffix: string): string {
    let key = prefix + suffix;
    for (let count = 2; this.keys.has(key); count += 1) {
      key = `${prefix}${suffix}-${count}`;
    }
    return key;
  }
}

function isSameTenant(one: Tenant, other: Tenant): boolean {
  return (
    one.organizationId === other.organizationId &&
    one.projectId === other.projectId
  );
}

/** The connection as the service lists it. */
export function toRow(connection: EmulatorConnection) {
  const { connectionDefinitionId: _, ...row } = connection;
  return row;
}

/**
 * A value is one or a comma-separated list, of which one has to match. For
 * `tags` that is inferred. The default of `active` is true.
 */
function meetsFilter(
  connection: EmulatorConnection,
  filter: ConnectionFilter,
  wanted = filter === 'active' ? 'true' : undefined,
): boolean {
  if (wanted === undefined) return true;
  const values = wanted.split(',');
  const value = connection[filter];
  if (value === null) return false;
  return typeof value === 'object'
    ? value.some((tag) => values.includes(tag))
    : values.includes(String(value));
}
