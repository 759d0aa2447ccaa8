import { Inject, Injectable, Logger } from '@nestjs/common';
import { map, switchMap, tap, type Observable } from 'rxjs';
import {
  AUTHKIT_CACHE,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import { formatFailure } from '../authkit.exception.js';
import type { AuthKitToken } from '../authkit.types.js';
import type { FetchForAccount } from '../cache/account-cache.js';
import { ResilientStore } from '../cache/resilient-store.js';
import { RequestRunner } from '../core/request-runner.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { ModuleOptions } from '../options/module.options.js';
import { PicaClient } from '../pica/pica.client.js';
import type { RequestContext } from '../pica/request-context.js';
import { MAX_PAGE_SIZE, VENDORS, type VendorProfile } from '../pica/vendors.js';
import { fetchAllPages } from './fetch-all-pages.js';
import { IntegrationsCache } from './integrations-cache.js';
import { mergePages, serializeToken, type TokenParts } from './merge-pages.js';
import { PageHints } from './page-hints.js';
import { parsePage, type RawPage } from './raw-page.js';
import {
  fetchWhiteLabel,
  withFlagsCache,
  withWhiteLabel,
  type WhiteLabel,
} from './white-label.js';

/** The setting by which the token route tells when its deadline began. @internal */
export const STARTED_AT = Symbol.for('nestjs-pica-authkit:started-at');

/** The settings of one token. */
export interface CreateTokenOptions {
  /** The page to return alone, from 1. Anything but an integer from 1 on counts as missing. */
  page?: number;
  /** The number of rows on that page, 150 at most. Default: the `pageSize` option */
  limit?: number;
  /** Cancels the token: its calls are closed, and the promise rejects with `cancelled`. */
  signal?: AbortSignal;
  /** When the request began, on the clock of `performance.now()`. @internal */
  [STARTED_AT]?: number;
}

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
  private readonly vendor: VendorProfile;
  private readonly hints: PageHints;
  /** `undefined` without the option `cache.integrations`. */
  private readonly integrationsCache?: IntegrationsCache;
  /** `undefined` where the vendor has no flags. */
  private readonly fetchWhiteLabel?: FetchForAccount<boolean>;

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
    @Inject(AUTHKIT_CACHE) store: ResilientStore,
  ) {
    const { cache } = options;
    this.vendor = VENDORS[options.vendor];
    const isShared = cache.store !== 'memory';
    this.hints = new PageHints(options, isShared ? store : undefined);
    if (cache.integrations) {
      this.integrationsCache = new IntegrationsCache(options, store);
    }
    if (this.vendor.flagsPath !== undefined) {
      const fetch = fetchWhiteLabel(pica, this.vendor.flagsPath);
      this.fetchWhiteLabel = cache.flags
        ? withFlagsCache(fetch, options, store)
        : fetch;
    }
  }

  /**
   * Creates a token: all integrations as one page, or the requested page alone.
   * It completes or fails within the `timeout` option.
   *
   * @param identity the identity that the connections will belong to; it is
   *   validated. **Without it the connections have no owner**, as in the
   *   official package: pass it wherever there are users.
   * @returns the object to send to the widget unchanged, with status 200 and unwrapped
   * @throws {AuthKitException} and nothing else; its `reason` says why
   */
  async create(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<AuthKitToken> {
    return JSON.parse(String(await this.createJson(identity, options)));
  }

  /**
   * Creates the same token as JSON in UTF-8, which the module's own controller
   * sends. Its rows are Pica's, byte for byte, and are not serialized again. In
   * a controller of your own send it with `@Res()`: Nest would serialize a
   * returned `Buffer`.
   *
   * @returns the text to send as `application/json`, with status 200
   * @throws {AuthKitException} and nothing else, as {@link create}
   */
  async createJson(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<Buffer> {
    const { signal, [STARTED_AT]: startedAt, ...requested } = options ?? {};
    return this.runner.run(
      { outcome: 'No token', identity, signal, startedAt },
      (context, validated) =>
        this.fetch(validated, requested, context).pipe(
          map((token) => {
            const json = serializeToken(token);
            context.received.hold(json.length);
            return json;
          }),
        ),
    );
  }

  /** Fetches the pages and the flags in parallel. */
  private fetch(
    identity: AuthKitIdentity | undefined,
    requested: CreateTokenOptions,
    context: RequestContext,
  ): Observable<TokenParts> {
    const pages$ = this.fetchPages(identity, requested, context);
    if (!this.fetchWhiteLabel) return pages$.pipe(map(mergePages));

    const flag$ = this.fetchWhiteLabel(context);
    return withWhiteLabel(pages$, flag$, context.deadline).pipe(
      map(([pages, { isWhiteLabel, failure }]) => {
        if (failure) this.warnUnknownWhiteLabel(failure);
        const { members, rows } = mergePages(pages);
        const withFlag = new Map(members).set(
          'isWhiteLabel',
          String(isWhiteLabel),
        );
        return { members: withFlag, rows };
      }),
    );
  }

  private fetchPages(
    identity: AuthKitIdentity | undefined,
    requested: CreateTokenOptions,
    context: RequestContext,
  ): Observable<RawPage[]> {
    const page = atLeastOne(requested.page);
    const limit = atLeastOne(requested.limit);
    const fetchPage = (number: number, size: number) =>
      this.pica.request(
        {
          method: 'POST',
          path: `${this.vendor.tokenPath}?limit=${size}&page=${number}`,
          body: identity ?? {},
          parse: parsePage,
        },
        context,
      );

    const { pageSize } = this.options;
    if (page !== undefined || limit !== undefined) {
      const size = Math.min(limit ?? pageSize, MAX_PAGE_SIZE);
      return fetchPage(page ?? 1, size).pipe(map((one) => [one]));
    }
    const fetcher = {
      probe: () => fetchPage(1, 1),
      all: () =>
        this.fetchAll((number) => fetchPage(number, pageSize), context.account),
    };
    return this.integrationsCache
      ? this.integrationsCache.fetch(context.account, fetcher)
      : fetcher.all();
  }

  private fetchAll(
    fetchPage: (page: number) => Observable<RawPage>,
    account: string,
  ): Observable<RawPage[]> {
    if (!this.options.pageHint) return fetchAllPages(fetchPage, this.options);
    return this.hints.get(account).pipe(
      switchMap((hint) => fetchAllPages(fetchPage, this.options, hint)),
      tap((pages) => this.hints.record(account, pages.length)),
    );
  }

  private warnUnknownWhiteLabel(
    failure: NonNullable<WhiteLabel['failure']>,
  ): void {
    const why =
      failure === 'late' ? 'no response in time' : formatFailure(failure);
    this.logger.warn(
      `The account's flags could not be read (${why}): the token has isWhiteLabel: false.`,
    );
  }
}

function atLeastOne(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) && value! >= 1 ? value : undefined;
}
