import type { AuthKitIntegration } from '../authkit.types.js';
import {
  ConnectionStore,
  type EmulatorConnection,
  type EmulatorConnectionDetails,
  type EmulatorOwner,
} from './connections.js';
import type { EmulatorAccountOptions } from './emulator-options.js';
import {
  integrationList,
  integrationOf,
  type IntegrationList,
} from './integrations.js';
import type { VendorProfile } from './vendor-profiles.js';

type Integrations = number | readonly AuthKitIntegration[];

/** An account of the emulated service: its key, integrations and connections. */
export class Account {
  readonly secretKey: string;
  readonly environment: string;
  readonly connections: ConnectionStore;
  private integrationSetting!: Integrations;
  private list!: IntegrationList;

  constructor(
    profile: VendorProfile,
    { secretKey, environment }: EmulatorAccountOptions,
    nextSerial: () => number,
  ) {
    this.secretKey = secretKey;
    this.environment =
      environment ?? (secretKey.startsWith('sk_live_') ? 'live' : 'test');
    this.connections = new ConnectionStore(profile, nextSerial);
  }

  /** As it was set: a number or rows. */
  get offered(): Integrations {
    return this.integrationSetting;
  }

  get integrations(): IntegrationList {
    return this.list;
  }

  setIntegrations(integrations: Integrations): void {
    this.integrationSetting = integrations;
    this.list = integrationList(integrations, this.environment);
  }

  /** @param platform it need not be on offer */
  connect(
    platform: string,
    details: EmulatorOwner & EmulatorConnectionDetails,
  ): EmulatorConnection {
    const isOwn = typeof this.integrationSetting !== 'number';
    const own = isOwn ? this.list.rows() : [];
    const integration = integrationOf(platform, own, this.environment);
    return this.connections.add(integration, details);
  }
}
