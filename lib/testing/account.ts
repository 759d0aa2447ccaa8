import type { AuthKitIntegration, AuthKitVendor } from '../authkit.types.js';
import { catalogueOf, type Catalogue } from './catalogue.js';
import {
  makeConnection,
  type EmulatorConnection,
  type Owner,
} from './connections/connection.js';
import { TokenSessions } from './connections/token-sessions.js';
import type { EmulatorRequest } from './emulator-request.js';
import type {
  PicaEmulatorOptions,
  ResolvedEmulatorOptions,
} from './emulator.options.js';

/** The emulated account: what the vendor knows, and the routes read. */
export class Account {
  readonly vendor: AuthKitVendor;
  readonly secretKey: string;
  whiteLabel: boolean;
  readonly sessions = new TokenSessions();

  private offered: ResolvedEmulatorOptions['integrations'];
  private made: Catalogue;
  private readonly nameRequest: PicaEmulatorOptions['requestId'];
  private calls = 0;
  private pages = 0;
  private connected: EmulatorConnection[] = [];

  constructor(options: ResolvedEmulatorOptions) {
    this.vendor = options.vendor;
    this.secretKey = options.secretKey;
    this.whiteLabel = options.whiteLabel;
    this.offered = options.integrations;
    this.made = catalogueOf(options.integrations);
    this.nameRequest = options.requestId;
  }

  /** As it was set: how many, or rows. */
  get integrations(): ResolvedEmulatorOptions['integrations'] {
    return this.offered;
  }
  set integrations(integrations: ResolvedEmulatorOptions['integrations']) {
    this.offered = integrations;
    this.made = catalogueOf(integrations);
  }

  get catalogue(): Catalogue {
    return this.made;
  }

  /** The `requestId` of a page. */
  requestId(request: EmulatorRequest): string | number | null {
    if (this.nameRequest) return this.nameRequest(request);
    return `req_${++this.pages}`;
  }

  /** What the users have connected, in that order. */
  get connections(): readonly EmulatorConnection[] {
    return this.connected;
  }

  connect(
    integration: AuthKitIntegration,
    owner: Owner,
    name?: string,
  ): EmulatorConnection {
    const serial = this.connected.length + 1;
    const connection = makeConnection(integration, owner, serial, name);
    this.connected.push(connection);
    return connection;
  }

  /** The name of a call, for the vendor's support: it has the form of a UUID. */
  correlationId(): string {
    const serial = (++this.calls).toString(16).padStart(12, '0');
    return `e0000000-0000-4000-8000-${serial}`;
  }

  /** Forgets the connections, and counts all ids from the start again. */
  reset(): void {
    this.calls = 0;
    this.pages = 0;
    this.connected = [];
    this.sessions.clear();
  }
}
