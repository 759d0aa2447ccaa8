import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { BoundedMap } from '../bounded-map.js';
import type { RequestContext } from '../pica/request-context.js';
import type { Vendor } from '../vendors/index.js';
import type { RawPage } from './raw-page.js';

const HOUR_MS = 3_600_000;

/** The maximum number of secret keys and scopes that are remembered. */
const MAX_ACCOUNTS = 1_000;

/** Warns of tokens that are valid and of no use. */
export class TokenWarnings {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly emptyAccounts = new BoundedMap<true>(MAX_ACCOUNTS);
  private isOwnerlessLogged = false;

  constructor(private readonly vendor: Vendor) {}

  /** Warns once of a token whose identity was passed, and is `undefined`. */
  ownerless(): void {
    if (this.isOwnerlessLogged) return;
    this.isOwnerlessLogged = true;
    this.logger.warn(
      'create(undefined): the identity of a token is undefined, so its connections have no owner. ' +
        'Pass the identity of the user. If they shall have no owner, call create() without arguments. (Logged once.)',
    );
  }

  /** Warns once an hour for each secret key and scope without integrations, however many tenants of the app share it. */
  empty(
    pages: readonly RawPage[],
    { secretKey, scopeHeaders }: RequestContext,
  ): void {
    const isEmpty = pages.every(
      ({ fields, rows }) => rows.length === 0 && !fields.total,
    );
    if (!isEmpty) return;
    const account = JSON.stringify([secretKey, scopeHeaders]);
    if (this.emptyAccounts.get(account)) return;
    this.emptyAccounts.set(account, true, HOUR_MS);
    this.logger.warn(
      `${this.vendor.displayName} lists no integrations, so the widget is empty: ` +
        `either none is enabled in the dashboard, or the secret key is of the other environment (${describeKey(secretKey)}).`,
    );
  }
}

/** The environment of a key, and nothing else of it. */
function describeKey(secretKey: string): string {
  const environment = /^sk_(test|live)_/.exec(secretKey)?.[1];
  return environment
    ? `it is an sk_${environment}_… key`
    : 'test keys begin with sk_test_, live keys with sk_live_';
}
