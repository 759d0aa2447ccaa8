import { IsOptional } from 'class-validator';
import { IsBoolean, IsOneOf, Satisfies } from './validation.js';
import type {
  AuthKitIdentityType,
  AuthKitIntegration,
} from '../authkit.types.js';
import { isString } from './argument-error.js';
import { platformOf, uuid } from './integrations.js';
import type { AuthKitVendor } from '../vendors/index.js';

/** The types of identity that the service accepts. */
export const IDENTITY_TYPES: readonly AuthKitIdentityType[] = [
  'user',
  'team',
  'organization',
  'project',
];

const STATES = ['operational', 'degraded', 'failed', 'unknown'] as const;

/** The filters of the list of connections. One has only the first five. */
export const CONNECTION_FILTERS = [
  'identity',
  'identityType',
  'platform',
  'key',
  'tags',
  'name',
  'platformVersion',
  'active',
] as const;

export type ConnectionFilter = (typeof CONNECTION_FILTERS)[number];

/**
 * The owner of a connection.
 *
 * @publicApi
 */
export class EmulatorOwner {
  /** Default: none, the connection has no owner */
  @IsOptional()
  @Satisfies('a string', isString)
  identity?: string | null;

  /** Default: none, which counts as `user` */
  @IsOptional()
  @IsOneOf(IDENTITY_TYPES)
  identityType?: AuthKitIdentityType | null;
}

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

/**
 * What a test may decide about a connection that it creates with `pica.connect()`.
 *
 * @publicApi
 */
export class EmulatorConnectionDetails {
  /** Default: the integration's title. An empty string is `null` in the row. */
  @IsOptional()
  @Satisfies('a string', isString)
  name?: string;

  /** Default: none */
  @IsOptional()
  @Satisfies('a list of strings', areStrings)
  tags?: readonly string[];

  /** Default: `operational` */
  @IsOptional()
  @IsOneOf(STATES)
  state?: (typeof STATES)[number];

  /** Default: true, but false with the state `failed` */
  @IsOptional()
  @IsBoolean()
  active?: boolean;

  /** Default: a new key, e.g. `test::gmail::default::ada` */
  @IsOptional()
  @Satisfies(
    'a string that is not empty',
    (value) => isString(value) && value !== '',
  )
  key?: string;
}

export function areStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isString);
}

/** The connections of an account, in the order of their creation. */
export class ConnectionStore {
  private readonly connections = new Map<string, EmulatorConnection>();
  /** Of deleted connections too: a key is never used again. */
  private readonly keys = new Set<string>();
  private created = 0;

  constructor(private readonly vendor: AuthKitVendor) {}

  all(): EmulatorConnection[] {
    return [...this.connections.values()];
  }

  /** The connections that meet the given filters of a query. */
  find(
    query: Readonly<Record<string, string | undefined>>,
    filters: readonly ConnectionFilter[],
  ): EmulatorConnection[] {
    return this.all().filter((connection) =>
      filters.every((filter) => meetsFilter(connection, filter, query[filter])),
    );
  }

  get(id: string): EmulatorConnection | undefined {
    return this.connections.get(id);
  }

  add(
    integration: AuthKitIntegration,
    details: EmulatorOwner & EmulatorConnectionDetails,
  ): EmulatorConnection {
    const { connectionDefId, id, title, image } = integration;
    const { environment = 'test' } = integration;
    const { identity = null, identityType = null, state } = details;
    const platform = platformOf(integration);
    const serial = ++this.created;
    const key =
      details.key ??
      this.newKey(
        `${environment}::${platform}::default::`,
        // As documented; an identity-less key ends in something unique (inferred).
        identity?.replace(/[\s:]/g, '-') ??
          serial.toString(16).padStart(8, '0'),
      );
    this.keys.add(key);
    return this.put({
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
      ...(this.vendor === 'pica' && { createdAt: new Date().toISOString() }),
      connectionDefinitionId: String(connectionDefId ?? id),
    });
  }

  update(
    id: string,
    change: Partial<EmulatorConnection>,
  ): EmulatorConnection | undefined {
    const connection = this.connections.get(id);
    return connection && this.put({ ...connection, ...change });
  }

  delete(id: string): boolean {
    return this.connections.delete(id);
  }

  clear(): void {
    this.connections.clear();
    this.keys.clear();
    this.created = 0;
  }

  private put(connection: EmulatorConnection): EmulatorConnection {
    this.connections.set(connection.id, Object.freeze(connection));
    return connection;
  }

  private newKey(prefix: string, suffix: string): string {
    let key = prefix + suffix;
    for (let count = 2; this.keys.has(key); count += 1) {
      key = `${prefix}${suffix}-${count}`;
    }
    return key;
  }
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

/** The filters that the vendor has. */
export function filtersOf(vendor: AuthKitVendor): readonly ConnectionFilter[] {
  return vendor === 'pica'
    ? CONNECTION_FILTERS
    : CONNECTION_FILTERS.slice(0, 5);
}
