import type { AuthKitIntegration } from '../authkit.types.js';
import { Account } from './account.js';
import type {
  EmulatorConnection,
  EmulatorConnectionDetails,
  EmulatorOwner,
  Tenant,
} from './connections.js';
import type { EmulatorOptions } from './emulator-options.js';
import type { EmulatorRequest } from './emulator-request.js';
import { uuid } from './integrations.js';
import { Platforms } from './platforms/platforms.js';
import { SessionStore } from './session-store.js';
import { VENDOR_PROFILES, type VendorProfile } from './vendor-profiles.js';

/** What a token was requested for. `details` are applied to the connections that come of it. */
export interface TokenSession {
  readonly account: Account;
  readonly details: EmulatorOwner &
    Tenant &
    Pick<EmulatorConnectionDetails, 'name' | 'tags'>;
}

/** A consent that a user of One's widget gives or denies on the platform's page. */
export interface Authorization extends TokenSession {
  /** What the connection is for. */
  readonly integration: AuthKitIntegration;
  /** The origin of the page that has opened the widget, if it has said so. */
  readonly pageOrigin: string | undefined;
  /** The name of the app that asks. */
  readonly app: string;
  /** Missing while the user has not decided. */
  outcome?: EmulatorConnection | { readonly error: string };
}

/** The emulated service: the state that the routes read and change. */
export class Service {
  readonly profile: VendorProfile;
  readonly accounts: readonly Account[];
  readonly sessions = new SessionStore<TokenSession>();
  /** By the `state` of the OAuth request. */
  readonly authorizations = new SessionStore<Authorization>();
  readonly platforms = new Platforms();
  latency!: number;
  whiteLabel!: boolean;
  ignoreFilters!: EmulatorOptions['ignoreFilters'];

  private readonly options: EmulatorOptions;
  private requests = 0;
  private tokens = 0;
  private connections = 0;

  constructor(options: EmulatorOptions) {
    const { vendor, accounts, integrations } = options;
    this.options = {
      ...options,
      // Copies: a test that changes its rows later does not change what reset() restores.
      integrations:
        typeof integrations === 'number'
          ? integrations
          : integrations.map((row) => ({ ...row })),
    };
    this.profile = VENDOR_PROFILES[vendor];
    this.accounts = accounts.map(
      (each) => new Account(this.profile, each, () => ++this.connections),
    );
    this.reset();
  }

  /** Restores the state at the start. */
  reset(): void {
    const { latency, whiteLabel, ignoreFilters, integrations } = this.options;
    Object.assign(this, { latency, whiteLabel, ignoreFilters });
    this.requests = 0;
    this.tokens = 0;
    this.connections = 0;
    for (const account of this.accounts) {
      account.setIntegrations(integrations);
      account.connections.clear();
    }
    this.platforms.reset();
    this.sessions.clear();
    this.authorizations.clear();
  }

  get firstAccount(): Account {
    return this.accounts[0]!;
  }

  findAccount(secretKey: unknown): Account | undefined {
    return this.accounts.find((each) => each.secretKey === secretKey);
  }

  /** The account that has a connection. */
  ownerOf(connectionId: string): Account | undefined {
    return this.accounts.find(({ connections }) =>
      connections.has(connectionId),
    );
  }

  /** The connections of a tenant that meet the filters of a query. */
  findConnections(
    { connections }: Account,
    tenant: Tenant,
    query: Readonly<Record<string, string | undefined>>,
  ): EmulatorConnection[] {
    const { ignoreFilters } = this;
    const filters = this.profile.connectionFilters.filter((filter) =>
      typeof ignoreFilters === 'boolean'
        ? !ignoreFilters
        : !ignoreFilters.includes(filter),
    );
    return connections.find(tenant, query, filters);
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
