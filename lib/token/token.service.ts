import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  combineLatest,
  from,
  map,
  of,
  switchMap,
  tap,
  type Observable,
} from 'rxjs';
import {
  AUTHKIT_CACHE,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import { AuthKitException, formatFailure } from '../authkit.exception.js';
import type { AuthKitIntegration, AuthKitToken } from '../authkit.types.js';
import {
  withAccountCache,
  type FetchForAccount,
} from '../cache/account-cache.js';
import { ResilientStore } from '../cache/resilient-store.js';
import { assertLabel } from '../connections/connection-filter.js';
import {
  AuthKitConnectionsService,
  collect,
} from '../connections/connections.service.js';
import { callAppFunction } from '../core/secret-key-and-scope.js';
import { RequestRunner } from '../core/request-runner.js';
import { REQUEST_TIMING, type RequestTiming } from '../core/request-timing.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { isConnectionLabel } from '../options/connection-label.js';
import { ModuleOptions } from '../options/module.options.js';
import { PicaClient } from '../pica/pica.client.js';
import type { RequestContext } from '../pica/request-context.js';
import { MAX_PAGE_SIZE, VENDORS, type Vendor } from '../vendors/index.js';
import {
  assertConnectors,
  fetchConnectors,
  joinIntegrations,
  type AuthKitIntegrationListing,
  type Connector,
} from './connectors.js';
import { fetchAllPages } from './fetch-all-pages.js';
import { IntegrationsCache } from './integrations-cache.js';
import {
  mergePages,
  serializeToken,
  totalLength,
  type TokenParts,
} from './merge-pages.js';
import { filterIntegrations } from './offered-integrations.js';
import { PageHints } from './page-hints.js';
import { KnownRows, parsePage, parseRows, type RawPage } from './raw-page.js';
import { TokenWarnings } from './token-warnings.js';
import {
  assertFlag,
  fetchWhiteLabel,
  withWhiteLabel,
  type WhiteLabel,
} from './white-label.js';
import type { AuthKitConnectionLabel } from '../authkit.types.js';

/** The settings of one token. */
export interface CreateTokenOptions {
  /** The page to return alone, from 1. Anything but an integer from 1 on counts as missing. */
  page?: number;
  /** The number of rows on that page, 150 at most. Default: the `pageSize` option */
  limit?: number;
  /** The name of the connections that come of the token: up to 256 characters. Default: that of the `connection` option */
  name?: string;
  /** The tags of the connections that come of the token: up to 32 strings of 1 to 128 characters. Default: those of the `connection` option */
  tags?: readonly string[];
  /** Cancels the token: its calls are closed, and the promise rejects with `cancelled`. */
  signal?: AbortSignal;
  /** @internal */
  [REQUEST_TIMING]?: RequestTiming;
}

/** The settings of one list of integrations. */
export interface ListIntegrationsOptions {
  /** Whether to add the owner's connections. Default: `false` */
  connections?: boolean;
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
}

/** What is fetched for one token. */
interface TokenRequest extends Pick<CreateTokenOptions, 'page' | 'limit'> {
  readonly identity: AuthKitIdentity | undefined;
  readonly label: AuthKitConnectionLabel;
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
  private readonly warnings: TokenWarnings;
  private readonly vendor: Vendor;
  private readonly hints: PageHints;
  private readonly knownRows = new KnownRows();
  /** `undefined` without the option `cache.integrations`. */
  private readonly integrationsCache?: IntegrationsCache;
  private readonly fetchConnectors: FetchForAccount<Connector[]>;
  /** `undefined` where the vendor has no flags. */
  private readonly fetchWhiteLabel?: FetchForAccount<boolean>;

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
    @Inject(AUTHKIT_CACHE) store: ResilientStore,
  ) {
    const { cache } = options;
    this.vendor = VENDORS[options.vendor];
    this.warnings = new TokenWarnings(this.vendor);
    const isShared = cache.store !== 'memory';
    this.hints = new PageHints(options, isShared ? store : undefined);
    // The pages that a widget requests one by one are not the cached ones.
    if (cache.integrations && options.paging === 'all') {
      this.integrationsCache = new IntegrationsCache(options, store);
    }
    const withCache = <T>(
      kind: 'flags' | 'connectors',
      fetch: FetchForAccount<T>,
      validate: (value: unknown) => T,
    ): FetchForAccount<T> => {
      if (!cache.flags) return fetch;
      const shared = (context: RequestContext) => runner.share(context, fetch);
      return withAccountCache(kind, shared, validate, options, store);
    };
    const { flagsPath, connectorsPath } = this.vendor;
    if (flagsPath !== undefined) {
      const fetch = fetchWhiteLabel(pica, flagsPath);
      this.fetchWhiteLabel = withCache('flags', fetch, assertFlag);
    }
    this.fetchConnectors = withCache(
      'connectors',
      fetchConnectors(pica, connectorsPath, options),
      assertConnectors,
    );
  }

  /**
   * Creates a token: all integrations as one page, or the requested page alone.
   * It completes or fails within the `timeout` option.
   *
   * @param identity the identity that the connections will belong to; it is
   *   validated. **Without it the connections have no owner**, as in the
   *   official package: pass it wherever there are users. An argument that is
   *   `undefined` is logged as a warning, once: most likely it was forgotten.
   * @returns the object to send to the widget unchanged, with status 200 and unwrapped
   * @throws {AuthKitException} and nothing else; its `reason` says why
   */
  async create(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<AuthKitToken> {
    const json =
      arguments.length === 0
        ? await this.createJson()
        : await this.createJson(identity, options);
    return JSON.parse(String(json));
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
    const chunks =
      arguments.length === 0
        ? await this.createChunks()
        : await this.createChunks(identity, options);
    return Buffer.concat(chunks);
  }

  /**
   * Creates the same JSON in chunks. Other tokens may have the same chunks, so
   * nothing changes them.
   *
   * @internal
   */
  async createChunks(
    identity?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<readonly Buffer[]> {
    const { signal, [REQUEST_TIMING]: timing, ...requested } = options ?? {};
    if (identity === undefined && arguments.length > 0) {
      this.warnings.ownerless();
    }
    return this.runner.run(
      {
        outcome: 'No token',
        traced: { channel: 'token', operation: 'create' },
        identity,
        signal,
        ...timing,
      },
      (context, validated) =>
        this.resolveLabel(validated, requested).pipe(
          switchMap((label) =>
            this.fetch({ identity: validated, label, ...requested }, context),
          ),
          map((token) => {
            const chunks = serializeToken(token);
            context.received.hold(totalLength(chunks));
            return chunks;
          }),
        ),
    );
  }

  /**
   * Returns the integrations that an identity is offered, for a page of the
   * app's own: all of them, as the `allowIntegration` option decides, joined with
   * the list of connectors, which tells platform and category.
   *
   * @param options `connections`: adds the owner's connections of each platform.
   *   Needs an identity. Default: `false`
   * @throws {AuthKitException} and nothing else, as {@link create}
   */
  async integrations(
    identity?: AuthKitIdentity,
    { connections = false, signal }: ListIntegrationsOptions = {},
  ): Promise<AuthKitIntegrationListing[]> {
    // Before any call: connections without an owner are nobody's.
    if (connections) parseIdentity(identity);
    const abort = new AbortController();
    const whole = signal
      ? AbortSignal.any([signal, abort.signal])
      : abort.signal;
    try {
      const [[rows, connectors], own] = await Promise.all([
        this.runner.run(
          {
            outcome: 'No integrations',
            traced: { channel: 'token', operation: 'integrations' },
            identity,
            signal: whole,
          },
          (context, validated) =>
            combineLatest([
              this.fetchPages({ identity: validated, label: {} }, context).pipe(
                // Parsed anew: the caller may change them.
                map(
                  (pages) => pages.flatMap(parseRows) as AuthKitIntegration[],
                ),
              ),
              this.fetchConnectors(context),
            ]),
        ),
        connections
          ? collect(this.connections.all(identity!, { signal: whole }))
          : undefined,
      ]);
      return joinIntegrations(rows, connectors, own);
    } finally {
      // One failing ends the other.
      abort.abort();
    }
  }

  /** Emits name and tags of the connections that come of a token. */
  private resolveLabel(
    identity: AuthKitIdentity | undefined,
    { name, tags }: AuthKitConnectionLabel,
  ): Observable<AuthKitConnectionLabel> {
    assertLabel({ name, tags });
    const { connection } = this.options;
    const withPrecedence = (label: AuthKitConnectionLabel | undefined) => ({
      name: name ?? label?.name,
      tags: tags ?? label?.tags,
    });
    if (typeof connection !== 'function') return of(withPrecedence(connection));
    return from(callAppFunction('connection', () => connection(identity))).pipe(
      map((label) => {
        if (label && !isConnectionLabel(label)) {
          throw new AuthKitException('unavailable', {
            cause: new Error(
              'the connection function returned what is not { name?, tags? }',
            ),
          });
        }
        return withPrecedence(label ?? undefined);
      }),
    );
  }

  /** Fetches the pages and the flags in parallel. */
  private fetch(
    requested: TokenRequest,
    context: RequestContext,
  ): Observable<TokenParts> {
    const pages$ = this.fetchPages(requested, context);
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

  /** Fetches the pages of a token with the integrations that its identity is offered. */
  private fetchPages(
    { identity, label, ...requested }: TokenRequest,
    context: RequestContext,
  ): Observable<RawPage[]> {
    const page = atLeastOne(requested.page);
    const limit = atLeastOne(requested.limit);
    const isOnePage = page !== undefined || limit !== undefined;
    const body = {
      identity: identity?.identity,
      identityType: identity?.identityType,
      name: label.name,
      tags: label.tags,
    };
    const fetchPage = (number: number, size: number) =>
      this.pica.request(
        {
          method: 'POST',
          path: `${this.vendor.tokenPath}?limit=${size}&page=${number}`,
          body,
          parse: (text) => parsePage(text, this.knownRows),
        },
        context,
      );

    const { pageSize, allowIntegration } = this.options;
    const fetcher = {
      probe: () => fetchPage(1, 1),
      all: () =>
        this.fetchAll((number) => fetchPage(number, pageSize), context.account),
    };
    const size = Math.min(limit ?? pageSize, MAX_PAGE_SIZE);
    const cached$ = () =>
      this.integrationsCache?.fetch(context.account, fetcher) ?? fetcher.all();
    const fetched$ = isOnePage
      ? fetchPage(page ?? 1, size).pipe(map((one) => [one]))
      : cached$();
    const pages$ = fetched$.pipe(
      tap((pages) => this.warnings.empty(pages, context)),
    );
    return allowIntegration
      ? pages$.pipe(
          map((pages) =>
            filterIntegrations(pages, allowIntegration, identity, isOnePage),
          ),
        )
      : pages$;
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
