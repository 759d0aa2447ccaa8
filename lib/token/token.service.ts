import {
  Inject,
  Injectable,
  Optional,
  type OnApplicationShutdown,
} from '@nestjs/common';
import {
  defer,
  firstValueFrom,
  map,
  switchMap,
  takeUntil,
  tap,
  type Observable,
} from 'rxjs';
import { AUTHKIT_CACHE, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { CarefulStore } from '../cache/careful-store.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { toIdentity } from '../identity/to-identity.js';
import type { PicaPage } from '../pica/answers.js';
import { AuthKitException } from '../pica/authkit.exception.js';
import { Deadline } from '../pica/deadline.js';
import { PicaClient, type PicaCall } from '../pica/pica.client.js';
import { isSecretKey } from '../pica/secret-key.js';
import type { AuthKitToken } from '../pica/types.js';
import { MAX_PAGE_SIZE } from '../pica/vendors.js';
import type { AskPage, SourceOptions } from './ask.js';
import { Cancellation } from './cancellation.js';
import { mergePages } from './merge-pages.js';
import { PageHints } from './page-hints.js';
import { TokenLog } from './token-log.js';
import { tokenJson, type TokenParts } from './token-json.js';
import { tokenSource, type TokenSource } from './token-source.js';
import { besideFlags } from './white-label.js';

/** Tokens of one registration that may wait for Pica at the same time. */
const MAX_PENDING = 1_000;

/** What a caller may ask of one token. */
export interface CreateTokenOptions {
  /** The page to give, counted from 1, alone. What is not a whole number from 1 counts as not given. */
  page?: number;
  /** Rows on that page: at most 150, as Pica clamps it. Default: the `pageSize` option. */
  limit?: number;
  /** Stops the token: its calls are closed, and the promise rejects with `cancelled`. */
  signal?: AbortSignal;
}

/**
 * Creates AuthKit tokens: the answer that the browser widget expects from the
 * app's backend. Tokens of different users share nothing but the connections
 * to Pica, and what the `cache` option says.
 *
 * @publicApi
 */
@Injectable()
export class AuthKitTokenService implements OnApplicationShutdown {
  private readonly log: TokenLog;
  private readonly cancellation = new Cancellation();
  private readonly hints = new PageHints();
  private readonly source: TokenSource;
  private pending = 0;

  constructor(
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AUTHKIT_OPTIONS)
    private readonly options: SourceOptions,
    @Optional() @Inject(AUTHKIT_CACHE) store?: CarefulStore,
  ) {
    this.source = tokenSource(pica, options, store);
    this.log = new TokenLog(options.vendor);
  }

  /**
   * Creates a token: with all integrations as one page, or with the page that
   * is asked for, alone. It takes at most the `timeout` option.
   *
   * @param who whom the connections will belong to; it is validated. **Without
   *   it the connections belong to nobody in particular**, as in the official
   *   package: pass it wherever there are users.
   * @returns the object to send to the widget as it is, with status 200 and unwrapped
   * @throws {AuthKitException} and nothing else; its `reason` tells which failure it was
   */
  async create(
    who?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<AuthKitToken> {
    return JSON.parse(String(await this.createJson(who, options)));
  }

  /**
   * The same token as JSON in UTF-8, which is what the module's own controller
   * sends: its rows are Pica's, byte for byte, and are not serialised again.
   * In a controller of one's own send it by `@Res()`, since Nest would serialise
   * a `Buffer` that a handler returns.
   *
   * @returns the text to send as `application/json`, with status 200
   * @throws {AuthKitException} and nothing else, as {@link create}
   */
  async createJson(
    who?: AuthKitIdentity,
    options?: CreateTokenOptions | null,
  ): Promise<Buffer> {
    const started = performance.now();
    const asked = options ?? {};
    const end$ = this.cancellation.of(asked.signal, this.options.timeout);
    try {
      this.admit();
      try {
        return tokenJson(
          await firstValueFrom(this.token(who, asked).pipe(takeUntil(end$))),
        );
      } finally {
        this.pending -= 1;
      }
    } catch (error) {
      const failure = toFailure(error);
      this.log.failed(failure, performance.now() - started);
      throw failure;
    }
  }

  /** Requests have been answered by then: what still runs was asked for elsewhere. */
  onApplicationShutdown(): void {
    this.cancellation.shutDown();
  }

  /** Lets a token in unless too many wait already: a Pica that hangs must not fill the memory. */
  private admit(): void {
    if (this.pending >= MAX_PENDING) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error(`${MAX_PENDING} tokens are waiting already`),
      });
    }
    this.pending += 1;
  }

  private token(
    who: AuthKitIdentity | undefined,
    options: CreateTokenOptions,
  ): Observable<TokenParts> {
    return defer(async () => {
      const deadline = new Deadline(this.options.timeout);
      const identity = who === undefined ? undefined : toIdentity(who);
      if (identity && /[\s:]/.test(identity.identity))
        this.log.unwiseIdentity();
      const secretKey = await this.secretKey(identity);
      return {
        identity,
        call: { secretKey, deadline, received: { bytes: 0 } },
      };
    }).pipe(
      switchMap(({ identity, call }) => this.ask(identity, options, call)),
    );
  }

  /** The pages and the flags side by side. */
  private ask(
    who: AuthKitIdentity | undefined,
    options: CreateTokenOptions,
    call: PicaCall,
  ): Observable<TokenParts> {
    const pages$ = this.pages(who, options, call);
    const flags$ = this.source.flags(call);
    if (!flags$) return pages$.pipe(map(mergePages));

    return besideFlags(pages$, flags$, call.deadline).pipe(
      map(([pages, { isWhiteLabel, failure }]) => {
        if (failure) this.log.flagsMissing(failure);
        const { fields, rows } = mergePages(pages);
        return { fields: { ...fields, isWhiteLabel }, rows };
      }),
    );
  }

  private pages(
    who: AuthKitIdentity | undefined,
    options: CreateTokenOptions,
    call: PicaCall,
  ): Observable<PicaPage[]> {
    const page = atLeastOne(options.page);
    const limit = atLeastOne(options.limit);
    const size = Math.min(limit ?? this.options.pageSize, MAX_PAGE_SIZE);
    const askPage: AskPage = (number, call) =>
      this.pica.page(who ?? {}, number, size, call);

    if (page !== undefined || limit !== undefined) {
      return askPage(page ?? 1, call).pipe(map((one) => [one]));
    }
    if (!this.options.pageHint) return this.source.allPages(askPage, 1, call);

    const guess = this.hints.guess(call.secretKey);
    return this.source
      .allPages(askPage, guess, call)
      .pipe(tap((all) => this.hints.learn(call.secretKey, all.length)));
  }

  private async secretKey(who: AuthKitIdentity | undefined): Promise<string> {
    let key: unknown;
    try {
      key = await this.options.secretKey(who);
    } catch {
      // What it threw may quote the key.
      throw keyFailure('unavailable', 'threw an error');
    }
    if (isSecretKey(key)) return key;
    throw keyFailure('secret_rejected', 'gave what cannot be sent as a key');
  }
}

function atLeastOne(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) && value! >= 1 ? value : undefined;
}

function keyFailure(
  reason: 'unavailable' | 'secret_rejected',
  what: string,
): AuthKitException {
  return new AuthKitException(reason, {
    cause: new Error(`the secretKey function ${what}`),
  });
}

function toFailure(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new AuthKitException('unavailable', {
    cause: new Error(`an unexpected ${name}`),
  });
}
