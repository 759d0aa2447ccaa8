import type { AuthKitIntegration } from '../authkit.types.js';
import {
  ConnectionStore,
  filtersOf,
  type ConnectionFilter,
  type EmulatorConnection,
  type EmulatorConnectionDetails,
  type EmulatorOwner,
} from './connections.js';
import type { EmulatorOptions } from './emulator-options.js';
import type { EmulatorRequest } from './emulator-request.js';
import {
  integrationList,
  integrationOf,
  uuid,
  type IntegrationList,
} from './integrations.js';
import type { AuthKitVendor } from '../vendors/index.js';

/** What a token was requested for. It is applied to the connections that come of it. */
export type TokenSession = EmulatorOwner &
  Pick<EmulatorConnectionDetails, 'name' | 'tags'>;

/** A consent that a user of One's widget gives or denies on the platform's page. */
export interface Authorization {
  /** What the connection is for. */
  readonly integration: AuthKitIntegration;
  readonly details: EmulatorOwner & EmulatorConnectionDetails;
  /** The name of the app that asks. */
  readonly app: string;
  /** Missing while the user has not decided. */
  outcome?: EmulatorConnection | { readonly error: string };
}

/** The emulated account: the state that the routes read and change. */
export class Account {
  readonly vendor: AuthKitVendor;
  readonly secretKey: string;
  readonly connections: ConnectionStore;
  readonly sessions = new SessionStore<TokenSession>();
  /** By the `state` of the OAuth request. */
  readonly authorizations = new SessionStore<Authorization>();
  latency!: number;
  whiteLabel!: boolean;
  ignoreFilters!: EmulatorOptions['ignoreFilters'];

  private integrationSetting!: EmulatorOptions['integrations'];
  private list!: IntegrationList;
  private requests = 0;
  private tokens = 0;

  constructor(private readonly options: EmulatorOptions) {
    this.vendor = options.vendor;
    this.secretKey = options.secretKey;
    this.connections = new ConnectionStore(options.vendor);
    if (typeof options.integrations !== 'number') {
      // Copies: a test that changes its rows later does not change what reset() restores.
      options.integrations = options.integrations.map((row) => ({ ...row }));
    }
    this.reset();
  }

  /** Restores the state at the start. */
  reset(): void {
    const { latency, whiteLabel, ignoreFilters, integrations } = this.options;
    Object.assign(this, { latency, whiteLabel, ignoreFilters });
    this.setIntegrations(integrations);
    this.requests = 0;
    this.tokens = 0;
    this.connections.clear();
    this.sessions.clear();
    this.authorizations.clear();
  }

  /** As it was set: a number or rows. */
  get offered(): EmulatorOptions['integrations'] {
    return this.integrationSetting;
  }

  get integrations(): IntegrationList {
    return this.list;
  }

  setIntegrations(integrations: EmulatorOptions['integrations']): void {
    this.integrationSetting = integrations;
    this.list = integrationList(integrations);
  }

  /** The integration of a platform; it need not be on offer. */
  integrationOf(platform: string): AuthKitIntegration {
    const isOwn = typeof this.integrationSetting !== 'number';
    return integrationOf(platform, isOwn ? this.list.rows() : []);
  }

  /** The connections that meet the filters of a query. */
  findConnections(
    query: Readonly<Record<string, string | undefined>>,
  ): EmulatorConnection[] {
    const { ignoreFilters } = this;
    const isIgnored = (filter: ConnectionFilter) =>
      typeof ignoreFilters === 'boolean'
        ? ignoreFilters
        : ignoreFilters.includes(filter);
    const filters = filtersOf(this.vendor).filter((each) => !isIgnored(each));
    return this.connections.find(query, filters);
  }

  /** The `requestId` of a page. */
  nextRequestId(request: EmulatorRequest): string | number | null {
    const { requestId } = this.options;
    return requestId ? requestId(request) : `oauth_req_${++this.tokens}`;
  }

  /** The id of a request, for the vendor's support. */
  nextCorrelationId(): string {
    return uuid('e', ++this.requests);
  }
}

/** More than any widget has open at once, and few enough for a load test of days. */
const MAX_SESSIONS = 10_000;

/** Sessions by their ids. The oldest are dropped beyond 10,000. */
class SessionStore<Session> {
  private readonly sessions = new Map<string, Session>();

  set(id: string | number | null, session: Session): void {
    const name = String(id);
    // Deleted first, so that the newest is the last.
    this.sessions.delete(name);
    this.sessions.set(name, session);
    if (this.sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.sessions.keys();
    this.sessions.delete(oldest!);
  }

  /** `undefined` for an unknown id. */
  get(id: unknown): Session | undefined {
    return this.sessions.get(String(id));
  }

  clear(): void {
    this.sessions.clear();
  }
}
