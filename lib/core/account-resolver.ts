import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../bounded-map.js';
import { formatThrown } from '../format-value.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { isScope, type AuthKitScope } from '../options/module.options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { formatSecretKey, isSecretKey } from '../options/secret-key.js';
import type { Account } from '../pica/pica.client.js';
import { VENDORS, type Vendor } from '../vendors/index.js';
import { createWarnOnce } from '../warn-once.js';

/** The maximum number of identities whose tenant is remembered. */
const MAX_IDENTITIES = 10_000;

/** Resolves the account of a request from the options `secretKey` and `scope`. */
export class AccountResolver {
  private readonly warnOnce = createWarnOnce();
  private readonly vendor: Vendor;
  /** The tenant that was last seen with an identity. */
  private readonly tenants = new BoundedMap<string>(MAX_IDENTITIES);

  constructor(
    private readonly options: Pick<
      ResolvedOptions,
      'vendor' | 'secretKey' | 'scope'
    >,
  ) {
    this.vendor = VENDORS[options.vendor];
  }

  /** @throws {AuthKitException} `unavailable` if a function of the app throws, `secret_rejected` if its result cannot be sent */
  async resolve(identity: AuthKitIdentity | undefined): Promise<Account> {
    const secretKey = await this.resolveSecretKey(identity);
    const { organizationId, projectId } = await this.resolveScope(identity);
    this.warnSharedIdentity(identity, [secretKey, organizationId, projectId]);
    return {
      secretKey,
      scopeHeaders: this.toHeaders({ organizationId, projectId }),
      id: JSON.stringify([
        secretKey,
        organizationId,
        projectId,
        identity?.tenant,
      ]),
    };
  }

  private async resolveSecretKey(
    identity: AuthKitIdentity | undefined,
  ): Promise<string> {
    const given = this.options.secretKey.reveal();
    if (typeof given === 'string') return given;
    const secretKey = await callAppFunction('secretKey', () => given(identity));
    if (isSecretKey(secretKey)) return secretKey;
    throw invalidResult(
      'secretKey',
      `${formatSecretKey(secretKey)}; expected the secret key from the dashboard (sk_test_… or sk_live_…), without quotes, spaces and line breaks`,
    );
  }

  private async resolveScope(
    identity: AuthKitIdentity | undefined,
  ): Promise<AuthKitScope> {
    const { scope } = this.options;
    if (typeof scope !== 'function') return scope ?? {};
    const resolved = await callAppFunction('scope', () => scope(identity));
    if (resolved === undefined || resolved === null) return {};
    if (isScope(resolved)) return resolved;
    throw invalidResult('scope', 'what cannot be sent as a scope');
  }

  private toHeaders({
    organizationId,
    projectId,
  }: AuthKitScope): Account['scopeHeaders'] {
    const { scopeHeaders } = this.vendor;
    if (!scopeHeaders || !(organizationId || projectId)) return undefined;
    return {
      ...(organizationId && { [scopeHeaders.organizationId]: organizationId }),
      ...(projectId && { [scopeHeaders.projectId]: projectId }),
    };
  }

  /** Warns once if Pica cannot tell two tenants' identities apart: they share their connections. */
  private warnSharedIdentity(
    identity: AuthKitIdentity | undefined,
    account: (string | undefined)[],
  ): void {
    if (identity?.tenant === undefined) return;
    const { identityType = 'user', tenant } = identity;
    const key = JSON.stringify([...account, identityType, identity.identity]);
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

/**
 * Calls a function of the options.
 *
 * @throws {AuthKitException} that of the function; `unavailable` if it throws another error, which may quote a secret
 */
export async function callAppFunction<T>(
  option: string,
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof AuthKitException) throw error;
    const cause = new Error(
      `the ${option} function threw ${formatThrown(error)}`,
    );
    throw new AuthKitException('unavailable', { cause });
  }
}

function invalidResult(option: string, what: string): AuthKitException {
  return new AuthKitException('secret_rejected', {
    cause: new Error(`the ${option} function returned ${what}`),
  });
}
