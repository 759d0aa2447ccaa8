import type {
  AuthKitIntegration,
  AuthKitIdentityType,
} from '../../authkit.types.js';

/** Whom a token was made for, and so whose the connections made with it are. */
export interface Owner {
  readonly identity?: string;
  readonly identityType?: AuthKitIdentityType;
}

/**
 * A connection that a user has made in the emulated widget: what the widget
 * hands to `onSuccess`.
 *
 * @publicApi
 */
export interface EmulatorConnection {
  readonly _id: string;
  readonly platformVersion: string;
  readonly connectionDefinitionId: string;
  readonly name: string;
  /** What an app keeps, to call the platform with: `test::gmail::default::…|usr_1` */
  readonly key: string;
  readonly environment: string;
  /** The integration's `type`, e.g. `gmail`. */
  readonly platform: string;
  readonly secretsServiceId: string;
  readonly identity?: string;
  readonly identityType?: AuthKitIdentityType;
  readonly settings: {
    readonly parseWebhookBody: boolean;
    readonly showSecret: boolean;
    readonly allowCustomEvents: boolean;
    readonly oauth: boolean;
  };
  readonly throughput: { readonly key: string; readonly limit: number };
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly updated: boolean;
  readonly version: string;
  readonly lastModifiedBy: string;
  readonly deleted: boolean;
  readonly tags: readonly string[];
  readonly active: boolean;
  readonly deprecated: boolean;
}

/** Whether its users sign in at the platform; with the others they enter a key. The emulator's own reading of the fields. */
export function usesOAuth({ scopes, clientIdDisplay }: AuthKitIntegration) {
  return Boolean(scopes || clientIdDisplay);
}

/**
 * A connection as the service would make it.
 *
 * @param serial counts the connections, from 1
 */
export function makeConnection(
  integration: AuthKitIntegration,
  owner: Owner,
  serial: number,
  name?: string,
): EmulatorConnection {
  const platform = platformOf(integration);
  const environment = integration.environment ?? 'test';
  const unique = serial.toString(16).padStart(12, '0');
  // That the identity ends the key is what the service's documentation shows.
  const suffix = owner.identity === undefined ? '' : `|${owner.identity}`;
  const key = `${environment}::${platform}::default::${unique}${suffix}`;
  const now = Date.now();
  return Object.freeze({
    _id: `conn_${unique}`,
    platformVersion: 'v1',
    connectionDefinitionId: String(
      integration.connectionDefId ?? integration.id,
    ),
    name: name || (integration.title ?? platform),
    key,
    environment,
    platform,
    secretsServiceId: `emulated-${unique}`,
    ...owner,
    settings: {
      parseWebhookBody: true,
      showSecret: false,
      allowCustomEvents: false,
      oauth: usesOAuth(integration),
    },
    throughput: { key, limit: 100 },
    createdAt: now,
    updatedAt: now,
    updated: false,
    version: '1.0.0',
    lastModifiedBy: 'system',
    deleted: false,
    tags: [],
    active: true,
    deprecated: false,
  });
}

/** The connection as the service lists it. */
export function listed(connection: EmulatorConnection) {
  const { _id: id, platformVersion, name, key, environment } = connection;
  const { platform, identity, identityType, tags, version } = connection;
  const { active, createdAt } = connection;
  return {
    id,
    platformVersion,
    name,
    type: platform,
    key,
    environment,
    platform,
    identity,
    identityType,
    description: '',
    state: 'operational',
    tags,
    version,
    active,
    createdAt,
  };
}

/** Some rows of the service say `api` where others name the platform. */
function platformOf({ type, title, id }: AuthKitIntegration): string {
  if (type && type !== 'api') return type;
  return String(title ?? id)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
}
