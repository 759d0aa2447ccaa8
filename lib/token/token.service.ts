import { Inject, Injectable, Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { formatFailure, type AuthKitException } from '../authkit.exception.js';
import type { AuthKitToken } from '../authkit.types.js';
import { BoundedMap } from '../bounded-map.js';
import { AuthKitConnectionsService } from '../connections/connections.service.js';
import { AccountCache } from '../core/account-cache.js';
import { resolveLabel } from '../core/app-functions.js';
import {
  ROUTE_CONTEXT,
  RequestRunner,
  type RouteContext,
  type Session,
} from '../core/request-runner.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { fetchPages } from '../pica/fetch-pages.js';
import type { TokenPage } from '../pica/parse-page.js';
import {
  PicaApi,
  type Connector,
  type TokenPageBody,
} from '../pica/pica-api.js';
import { MAX_PAGE_SIZE, VENDORS, type Vendor } from '../vendors/index.js';
import { createWarnOnce, type WarnOnce } from '../warn-once.js';
import { within } from '../within.js';
import {
  filterPages,
  isOffered,
  joinConnections,
  joinConnectors,
  parseRows,
  type AuthKitIntegrationListing,
} from './integrations.js';
import { mergePages, serializeToken } from './merge-pages.js';

/** The settings of one token. */
export interface CreateTokenOptions {
  /** The page to return alone, from 1. Anything but an integer from 1 on counts as missing. */
  page?: number;
  /** The number of rows on that page, 150 at most. Default: 150 */
  limit?: number;
  /** The name of the connections that come of the token: up to 256 characters. Default: that of the `connection` option */
  name?: string;
  /** The tags of the connections that come of the token: up to 32 strings of 1 to 128 characters. Default: those of the `connection` option */
  tags?: readonly string[];
  /** Cancels the token: its calls are closed, and the promise rejects with `cancelled`. */
  signal?: AbortSignal;
  /** @internal */
  [ROUTE_CONTEXT]?: RouteContext;
}

/** The settings of one list of integrations. */
export interface ListIntegrationsOptions {
  /** Whether to add the owner's connections. Default: `false` */
  connections?: boolean;
  /** Whether to return also the integrations that the identity is not offered, each with `offered`. Default: `false` */
  all?: boolean;
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
}

/** How many pages the first token of a process fetches in parallel: the usual account has 247 integrations, two pages of 150. */
const FIRST_GUESS = 2;

/** The maximum number of accounts whose number of pages is remembered. */
const MAX_ACCOUNTS = 1_000;

/** How long a token whose pages are all there waits for the flags, in ms. */
const FLAGS_GRACE_MS = 1_000;

const HOUR_MS = 3_600_000;

/**
 * Creates AuthKit tokens: the response that the browser widget expects from the
 * app's backend. Tokens of different identities share nothing but the
 * connections to Pica, and what the `cache` option says.
 *
 * @publicApi
 */
@Injectable()
export class AuthKitTokenService {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly warnOnce: WarnOnce = createWarnOnce();
  private readonly warnHourly: WarnOnce = createWarnOnce(HOUR_MS);
  private readonly vendor: Vendor;
  private readonly flags: AccountCache<boolean>;
  private readonly connectors: AccountCache<Connector[]>;
  /** How many pages the last response for an account had. */
  private readonly pageCounts = new BoundedMap<number>(MAX_ACCOUNTS);
  private lastPageCount = FIRST_GUESS;

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaApi) private readonly api: PicaApi,
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    const { cache } = options;
    this.vendor = VENDORS[options.vendor];
    this.flags = new AccountCache(cache.ttl);
    this.connectors = new AccountCache(cache.ttl, ({ length }) => length);
  }

  /**
   * Creates a token: all integrations as one page, or the requested page alone.
   * It completes or fails within the `timeout` option.
   *
   * @param identity the identity that the connections will belong to; it is
   *   validated. **Without it the connections have no owner**, as in the
   *   official package: pass it wherever there are users. An argument that is
   *   `undefined` is logged as a warning, once: most likely it was forgotten.
   * @returns the object to send to the widget unchanged, with status 200 and
   *   unwrapped. Its rows are parsed when they are read.
   * @throws {AuthKitException} and nothing else; its `reason` says why
   */
  create(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<AuthKitToken>;
  async create(
    ...args: [identity?: AuthKitIdentity, options?: CreateTokenOptions | null]
  ): Promise<AuthKitToken> {
    const [identity, options] = args;
    if (identity === undefined && args.length > 0) {
      this.warnOnce(
        'ownerless',
        'create(undefined): the identity of a token is undefined, so its connections have no owner. ' +
          'Pass the identity of the user. If they shall have no owner, call create() without arguments. (Logged once.)',
      );
    }
    const { signal, [ROUTE_CONTEXT]: route, ...requested } = options ?? {};
    return this.runner.run(
      {
        outcome: 'No token',
        traced: { channel: 'token', operation: 'create' },
        identity,
        signal,
        ...route,
      },
      (session) => this.createToken(session, requested, route),
    );
  }

  /**
   * Creates the same token as JSON in UTF-8. Its rows are Pica's, byte for
   * byte, and are not serialized again. Send it with `@Res()`: Nest would
   * serialize a returned `Buffer`.
   *
   * @returns the text to send as `application/json`, with status 200
   * @throws {AuthKitException} and nothing else, as {@link create}
   */
  createJson(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<Buffer>;
  async createJson(
    ...args: [identity?: AuthKitIdentity, options?: CreateTokenOptions | null]
  ): Promise<Buffer> {
    return Buffer.concat(serializeToken(await this.create(...args)));
  }

  /**
   * Returns the integrations that an identity is offered, for a page of the
   * app's own: all of them, as the `allowIntegration` option decides, joined with
   * the list of connectors, which tells platform and category. The calls are made
   * in parallel, within one `timeout`.
   *
   * @param options `connections`: adds the owner's connections of each platform;
   *   needs an identity. `all`: adds the integrations that are not offered, each
   *   with `offered`.
   * @throws {AuthKitException} and nothing else, as {@link create}
   */
  async integrations(
    identity?: AuthKitIdentity,
    {
      connections: withConnections = false,
      all = false,
      signal,
    }: ListIntegrationsOptions = {},
  ): Promise<AuthKitIntegrationListing[]> {
    // Before any call: connections without an owner belong to no one.
    if (withConnections) parseIdentity(identity);
    return this.runner.run(
      {
        outcome: 'No integrations',
        traced: { channel: 'token', operation: 'integrations' },
        identity,
        signal,
      },
      async (session) => {
        const [pages, connectors, connections] = await Promise.all([
          this.fetchAll(session, {
            identity: session.identity?.identity,
            identityType: session.identity?.identityType,
          }),
          this.fetchConnectors(session),
          withConnections
            ? this.connections.readAll(session, {})
            : Promise.resolve([]),
        ]);
        this.warnIfEmpty(session, pages[0]!);
        const { allowIntegration: allow } = this.options;
        // Rows of their own: the function sees frozen ones.
        const offers =
          allow &&
          pages
            .flatMap(parseRows)
            .map((row) => isOffered(row, allow, session.identity));
        const listings = joinConnectors(pages.flatMap(parseRows), connectors);
        const offered = listings.flatMap((listing, index) => {
          const offered = offers?.[index] ?? true;
          if (all) return [{ ...listing, offered }];
          return offered ? [listing] : [];
        });
        return withConnections
          ? joinConnections(offered, connections)
          : offered;
      },
    );
  }

  /** Fetches the pages and the flags in parallel. */
  private async createToken(
    session: Session,
    { page, limit, ...label }: CreateTokenOptions,
    route: RouteContext | undefined,
  ): Promise<AuthKitToken> {
    const { identity } = session;
    const { connection, allowIntegration } = this.options;
    const isLabelled = connection || Object.keys(label).length > 0;
    const { name, tags } =
      route?.label ??
      (isLabelled
        ? await resolveLabel(label, connection, identity, route?.request)
        : {});
    const body = {
      identity: identity?.identity,
      identityType: identity?.identityType,
      name,
      tags,
    };
    const flag = this.fetchFlag(session);
    const isOnePage = isFromOne(page) || isFromOne(limit);
    const size = isFromOne(limit) ? limit : this.options[LIMITS].pageSize;
    const place = {
      page: isFromOne(page) ? page : 1,
      limit: Math.min(size, MAX_PAGE_SIZE),
    };
    let pages = isOnePage
      ? [await this.api.tokenPage(session, place, body)]
      : await this.fetchAll(session, body);
    if (pages[0]!.rows.length === 0) this.warnIfEmpty(session, pages[0]!);
    if (allowIntegration) {
      pages = filterPages(pages, allowIntegration, identity, isOnePage);
    }
    return mergePages(pages, flag && (await this.whiteLabel(session, flag)));
  }

  private async fetchAll(
    session: Session,
    body: TokenPageBody,
  ): Promise<TokenPage[]> {
    const { id } = session.account;
    const limits = this.options[LIMITS];
    const pages = await fetchPages(
      (page, isSpeculative) => {
        const place = { page, limit: limits.pageSize };
        return this.api.tokenPage(session, place, body, isSpeculative);
      },
      limits,
      // A widget that pages by itself gets no page that it has not requested.
      this.options.paging === 'forward'
        ? 1
        : (this.pageCounts.get(id) ?? this.lastPageCount),
    );
    this.pageCounts.set(id, pages.length);
    this.lastPageCount = pages.length;
    return pages;
  }

  private fetchConnectors(session: Session): Promise<Connector[]> {
    const fetch = async (shared: Session) => {
      const pages = await fetchPages(
        (page) => this.api.connectors(shared, page),
        this.options[LIMITS],
      );
      return pages.flatMap(({ connectors }) => connectors);
    };
    return this.options.cache.flags
      ? this.connectors.get(session, fetch)
      : fetch(session);
  }

  /** Fetches whether the account may hide Pica's branding in the widget. Resolves with a text that says why it is not known. */
  private fetchFlag(session: Session): Promise<boolean | string> | undefined {
    if (!this.vendor.flagsPath) return undefined;
    const fetch = (context: Session) => this.api.flags(context);
    const flag = this.options.cache.flags
      ? this.flags.get(session, fetch)
      : fetch(session);
    return flag.catch((error) => formatFailure(error as AuthKitException));
  }

  /** The flags never fail a token: if they fail, or do not arrive soon after the pages, the last known value serves, else `false`. */
  private async whiteLabel(
    session: Session,
    flag: Promise<boolean | string>,
  ): Promise<boolean> {
    const { deadline } = session;
    const grace = Math.min(FLAGS_GRACE_MS, deadline.remaining() / 2);
    const found = await within(flag, grace);
    if (typeof found === 'boolean') return found;
    const known = this.flags.peek(session);
    if (known !== undefined) return known;
    this.logger.warn(
      `The account's flags could not be read (${found ?? 'no response in time'}): the token has isWhiteLabel: false.`,
    );
    return false;
  }

  /** Warns once an hour for each secret key and scope without integrations, however many tenants of the app share it. */
  private warnIfEmpty(
    { account: { secretKey, scopeHeaders } }: Session,
    { rows, total }: TokenPage,
  ): void {
    if (rows.length > 0 || total) return;
    const environment = /^sk_(test|live)_/.exec(secretKey)?.[1];
    this.warnHourly(
      JSON.stringify([scopeHeaders, secretKey]),
      `${this.vendor.displayName} lists no integrations, so the widget is empty: ` +
        'either none is enabled in the dashboard, or the secret key is of the other environment ' +
        `(${environment ? `it is an sk_${environment}_… key` : 'test keys begin with sk_test_, live keys with sk_live_'}).`,
    );
  }
}

function isFromOne(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 1;
}
