import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../bounded-map.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  isScope,
  type AuthKitScope,
  type ScopeResolver,
  type SecretKeyResolver,
} from '../options/module.options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { formatSecretKey, isSecretKey } from '../options/secret-key.js';
import type { Account } from '../pica/pica.client.js';
import { VENDORS, type Vendor } from '../vendors/index.js';
import { createWarnOnce } from '../warn-once.js';
import { callAppFunction } from './app-functions.js';

/** The maximum number of identities whose tenant is remembered. */
const MAX_IDENTITIES = 10_000;

/** Resolves the account of a request from the options `secretKey` and `scope`. */
export class AccountResolver {
  private readonly warnOnce = createWarnOnce();
  private readonly vendor: Vendor;
  /** The tenant that was last seen with an identity. */
  private readonly tenants = new BoundedMap<string>(MAX_IDENTITIES);

  /** Truly private: nothing that inspects this object shows the key. */
  readonly #secretKey: string | SecretKeyResolver;
  readonly #scope: ResolvedOptions['scope'];

  constructor({ vendor, secretKey, scope }: ResolvedOptions) {
    this.vendor = VENDORS[vendor];
    this.#secretKey = secretKey.reveal();
    this.#scope = scope;
  }

  /** @throws {AuthKitException} `unavailable` if a function of the app throws, `secret_rejected` if its result cannot be sent */
  async resolve(identity: AuthKitIdentity | undefined): Promise<Account> {
    const given = this.#secretKey;
    const secretKey =
      typeof given === 'string' ? given : await callSecretKey(given, identity);
    const scope =
      typeof this.#scope === 'function'
        ? await callScope(this.#scope, identity)
        : this.#scope;
    const { organizationId, projectId } = scope ?? {};
    const parts = [secretKey, organizationId, projectId];
    if (identity?.tenant !== undefined) {
      this.warnSharedIdentity(identity, identity.tenant, parts);
    }
    const { scopeHeaders: names } = this.vendor;
    const scopeHeaders = names &&
      (organizationId || projectId) && {
        ...(organizationId && { [names.organizationId]: organizationId }),
        ...(projectId && { [names.projectId]: projectId }),
      };
    const id = JSON.stringify([...parts, identity?.tenant]);
    return { id, secretKey, scopeHeaders: scopeHeaders || undefined };
  }

  /** Warns once if Pica cannot tell two tenants' identities apart: they share their connections. */
  private warnSharedIdentity(
    { identity, identityType = 'user' }: AuthKitIdentity,
    tenant: string,
    account: (string | undefined)[],
  ): void {
    const key = JSON.stringify([...account, identityType, identity]);
    const known = this.tenants.get(key);
    this.tenants.set(key, tenant);
    if (known === undefined || known === tenant) return;
    this.warnOnce(
      'shared identity',
      `Two tenants have the same identity, secret key and scope: ${this.vendor.displayName} cannot tell them apart, so they share their connections. ` +
        'Write identities that differ, such as <tenant>-<user>, or give each tenant its own secretKey or scope. (Logged once.)',
    );
  }
}

async function callSecretKey(
  secretKey: SecretKeyResolver,
  identity: AuthKitIdentity | undefined,
): Promise<string> {
  const key = await callAppFunction('secretKey', () => secretKey(identity));
  if (isSecretKey(key)) return key;
  throw invalidResult(
    'secretKey',
    `${formatSecretKey(key)}; expected the secret key from the dashboard (sk_test_… or sk_live_…), without quotes, spaces and line breaks`,
  );
}

async function callScope(
  scope: ScopeResolver,
  identity: AuthKitIdentity | undefined,
): Promise<AuthKitScope | undefined> {
  const resolved = await callAppFunction('scope', () => scope(identity));
  if (isScope(resolved ?? {})) return resolved ?? undefined;
  throw invalidResult('scope', 'what cannot be sent as a scope');
}

function invalidResult(option: string, what: string): AuthKitException {
  return new AuthKitException('secret_rejected', {
    cause: new Error(`the ${option} function returned ${what}`),
  });
}
