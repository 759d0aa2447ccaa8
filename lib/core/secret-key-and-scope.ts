import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../bounded-map.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  formatSecretKey,
  isScope,
  isSecretKey,
  type AuthKitScope,
  type ModuleOptions,
} from '../options/module.options.js';
import type { RequestContext } from '../pica/request-context.js';
import { VENDORS, type Vendor } from '../vendors/index.js';

/** The maximum number of identities whose tenant is remembered. */
const MAX_IDENTITIES = 10_000;

/** The account of a request: which secret key, and which of its tenants. */
export type Account = Pick<
  RequestContext,
  'secretKey' | 'scopeHeaders' | 'account'
>;

/** Resolves the account of a request from the options `secretKey` and `scope`. */
export class AccountResolver {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly vendor: Vendor;
  /** The tenant that was last seen with an identity. */
  private readonly tenants = new BoundedMap<string>(MAX_IDENTITIES);
  private isSharingLogged = false;

  constructor(
    private readonly options: Pick<
      ModuleOptions,
      'vendor' | 'secretKey' | 'scope'
    >,
  ) {
    this.vendor = VENDORS[options.vendor];
  }

  /** @throws {AuthKitException} `unavailable` where a function of the app throws, `secret_rejected` where its result cannot be sent */
  async resolve(identity: AuthKitIdentity | undefined): Promise<Account> {
    const secretKey = await this.resolveSecretKey(identity);
    const { organizationId, projectId } = await this.resolveScope(identity);
    this.warnSharedIdentity(identity, [secretKey, organizationId, projectId]);
    return {
      secretKey,
      scopeHeaders: this.toHeaders({ organizationId, projectId }),
      account: JSON.stringify([
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
    if (identity?.tenant === undefined || this.isSharingLogged) return;
    const { identityType = 'user', tenant } = identity;
    const key = JSON.stringify([...account, identityType, identity.identity]);
    const known = this.tenants.get(key);
    this.tenants.set(key, tenant);
    if (known === undefined || known === tenant) return;
    this.isSharingLogged = true;
    this.logger.warn(
      `Two tenants have the same identity, secret key and scope: ${this.vendor.displayName} cannot tell them apart, so they share their connections. ` +
        'Write identities that differ, such as <tenant>-<user>, or give each tenant its own secretKey or scope. (Logged once.)',
    );
  }
}

/**
 * Calls a function of the options.
 *
 * @throws {AuthKitException} `unavailable` where it throws: the error may quote a secret
 */
export async function callAppFunction<T>(
  option: string,
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call();
  } catch {
    throw new AuthKitException('unavailable', {
      cause: new Error(`the ${option} function threw an error`),
    });
  }
}

function invalidResult(option: string, what: string): AuthKitException {
  return new AuthKitException('secret_rejected', {
    cause: new Error(`the ${option} function returned ${what}`),
  });
}
