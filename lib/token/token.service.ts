import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { map, tap, type Observable } from 'rxjs';
import {
  AUTHKIT_CACHE,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import { formatFailure } from '../authkit.exception.js';
import type { AuthKitToken } from '../authkit.types.js';
import { ResilientStore } from '../cache/resilient-store.js';
import { RequestRunner } from '../core/request-runner.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { ModuleOptions } from '../options/module.options.js';
import { PicaClient } from '../pica/pica.client.js';
import type { RequestContext } from '../pica/request-context.js';
import { MAX_PAGE_SIZE, VENDORS, type VendorProfile } from '../pica/vendors.js';
import { fetchAllPages } from './fetch-all-pages.js';
import {
  withIntegrationsCache,
  type FetchAllPages,
  type FetchPageFor,
} from './integrations-cache.js';
import { mergePages, serializeToken, type TokenParts } from './merge-pages.js';
import { PageHints } from './page-hints.js';
import { parsePage, type RawPage } from './raw-page.js';
import {
  fetchFlags,
  withFlagsCache,
  withWhiteLabel,
  type FetchFlags,
  type WhiteLabel,
} from './white-label.js';

/** The settings of one token. */
export interface CreateTokenOptions {
  /** The page to return alone, from 1. Anything but an integer from 1 on counts as missing. */
  page?: number;
  /** The number of rows on that page, 150 at most. Default: the `pageSize` option */
  limit?: number;
  /** Cancels the token: its calls are closed, and the promise rejects with `cancelled`. */
  signal?: AbortSignal;
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
  private readonly hints = new PageHints();
  private readonly fetchAllPages: FetchAllPages;
  /** `undefined` where the vendor has no flags. */
  private readonly fetchFlags?: FetchFlags;

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
    @Optional() @Inject(AUTHKIT_CACHE) store?: ResilientStore,
  ) {
    const { cache } = options;
    this.vendor = VENDORS[options.vendor];
    this.fetchAllPages =
      store && cache?.integrations
        ? withIntegrationsCache(options, store)
        : (fetchPage, hint, context) =>
            fetchAllPages((page) => fetchPage(page, context), options, hint);
    if (this.vendor.flagsPath !== undefined) {
      const fetch = fetchFlags(pica, this.vendor.flagsPath);
      this.fetchFlags =
        store && cache?.flags ? withFlagsCache(fetch, options, store) : fetch;
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
    const { signal, ...requested } = options ?? {};
    const token = await this.runner.run(
      { outcome: 'No token', identity, signal },
      (context, validated) => this.fetch(validated, requested, context),
    );
    return serializeToken(token);
  }

  /** Fetches the pages and the flags in parallel. */
  private fetch(
    identity: AuthKitIdentity | undefined,
    requested: CreateTokenOptions,
    context: RequestContext,
  ): Observable<TokenParts> {
    const pages$ = this.fetchPages(identity, requested, context);
    if (!this.fetchFlags) return pages$.pipe(map(mergePages));

    const flags$ = this.fetchFlags(context);
    return withWhiteLabel(pages$, flags$, context.deadline).pipe(
      map(([pages, { isWhiteLabel, failure }]) => {
        if (failure) this.warnUnknownWhiteLabel(failure);
        const { fields, rows } = mergePages(pages);
        return { fields: { ...fields, isWhiteLabel }, rows };
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
    const size = Math.min(limit ?? this.options.pageSize, MAX_PAGE_SIZE);
    const fetchPage: FetchPageFor = (number, context) =>
      this.pica.request(
        {
          method: 'POST',
          path: `${this.vendor.tokenPath}?limit=${size}&page=${number}`,
          body: identity ?? {},
          parse: parsePage,
        },
        context,
      );

    if (page !== undefined || limit !== undefined) {
      return fetchPage(page ?? 1, context).pipe(map((one) => [one]));
    }
    if (!this.options.pageHint) {
      return this.fetchAllPages(fetchPage, 1, context);
    }
    const { secretKey } = context;
    return this.fetchAllPages(
      fetchPage,
      this.hints.get(secretKey),
      context,
    ).pipe(tap((pages) => this.hints.record(secretKey, pages.length)));
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
