import {
  ignoreElements,
  map,
  merge,
  of,
  shareReplay,
  switchMap,
  type Observable,
} from 'rxjs';
import type { CarefulStore } from '../cache/careful-store.js';
import { Rounds, type Round } from '../cache/rounds.js';
import { storeKey } from '../cache/store-key.js';
import {
  readPage,
  UnbelievableAnswer,
  type PageFields,
  type PicaPage,
} from '../pica/answers.js';
import type { PicaCall } from '../pica/pica.client.js';
import { MAX_BODY_BYTES } from '../pica/pica.http.js';
import type { AskAllPages, AskPage, SourceOptions } from './ask.js';
import { fetchAllPages, isSameCatalogue } from './pages.js';
import { tokenJson } from './token-json.js';

/** What is kept of a page, as JSON can hold it: nothing that is bound to an identity. */
interface KeptPage extends Pick<PageFields, 'total' | 'pages'> {
  /** In JSON, without brackets. */
  readonly rows: string;
}

/**
 * Keeps the rows of pages 2…n. Every token asks for page 1 in its own name,
 * and what is kept counts only where that tells of the same catalogue.
 *
 * Whatever else a page says (its `requestId` above all) is never kept, nor
 * given to another token: the pages that come of it have page 1's.
 */
export function keepCatalogue(
  options: SourceOptions,
  store: CarefulStore,
): AskAllPages {
  const { vendor, baseUrl, pageSize, maxPages } = options;
  const rounds = new Rounds();

  return (askPage, guess, call) => {
    const key = storeKey(
      'catalogue',
      call.secretKey,
      vendor.title,
      baseUrl,
      pageSize,
    );
    return rounds.join(key, call.deadline, (round) => {
      const first$ = askPage(1, call).pipe(
        shareReplay({ bufferSize: 1, refCount: true }),
      );
      const kept$ = round.look(() => store.read(key, readKept));

      const fetchAll = (guess: number) =>
        fetchAllPages(
          (page, first) =>
            page === 1
              ? first$
              : sharedPage(round, askPage, call, { page, first }),
          options,
          guess,
        ).pipe(
          map(([first, ...others]) => {
            const isWhole = others.every((page) =>
              isSameCatalogue(page.fields, first!.fields),
            );
            if (isWhole && others.length > 0) {
              round.keep(others, () => store.write(key, toKept(others)));
            }
            return complete(first!, others);
          }),
        );

      const all$ = kept$.pipe(
        switchMap((kept) => {
          if (!kept) return fetchAll(guess);
          return first$.pipe(
            switchMap((first) => {
              const holds =
                kept.length === first.fields.pages - 1 &&
                kept.length < maxPages &&
                kept.every(({ fields }) =>
                  isSameCatalogue(fields, first.fields),
                );
              if (holds) return of(complete(first, kept));
              round.drop(kept, () => store.remove(key));
              return fetchAll(1);
            }),
          );
        }),
      );
      // Page 1 is asked for at once, beside the look into the store.
      return merge(first$.pipe(ignoreElements()), all$);
    });
  };
}

/**
 * One of pages 2…n, asked for once by all tokens of a round that want it. A
 * guess is of whatever catalogue there is; otherwise only tokens whose page 1
 * says the same share a page.
 */
function sharedPage(
  round: Round,
  askPage: AskPage,
  call: PicaCall,
  { page, first }: { page: number; first?: PicaPage },
): Observable<PicaPage> {
  const { total, pages } = first?.fields ?? {};
  const catalogue = first ? `${total}/${pages}` : 'guess';
  return round.once(`page ${page} of ${catalogue}`, () =>
    askPage(page, { ...call, deadline: round.deadline }),
  );
}

/** The pages of one token: the rows of all, and of the others nothing else. */
function complete(first: PicaPage, others: readonly PicaPage[]): PicaPage[] {
  return [first, ...others.map(({ rows }) => ({ ...first, rows }))];
}

/** What this instance has kept, and need not check when it comes back: a store in memory gives the same object. */
const own = new WeakMap<object, PicaPage[]>();

function toKept(pages: PicaPage[]): KeptPage[] {
  const kept = pages.map(({ rows, fields: { total, pages } }) => ({
    rows: rows.toString(),
    total,
    pages,
  }));
  // No more than that: a page may hold much else, and its rows the whole body.
  own.set(kept, kept.map(toPage));
  return kept;
}

function toPage({ rows, total, pages }: KeptPage): PicaPage {
  const fields = { total, pages } as PageFields;
  return { fields, rows: Buffer.from(rows) };
}

/** @throws {UnbelievableAnswer} or {SyntaxError} for what is not what is kept */
function readKept(value: unknown): PicaPage[] {
  if (!Array.isArray(value))
    throw new UnbelievableAnswer('not a list of pages');
  return own.get(value) ?? value.map(readKeptPage);
}

function readKeptPage(value: unknown): PicaPage {
  const { rows } = (value ?? {}) as Partial<KeptPage>;
  // Before anything is made of it: it may be something huge.
  if (typeof rows !== 'string' || rows.length > MAX_BODY_BYTES) {
    throw new UnbelievableAnswer('not the rows of a page');
  }
  const { fields, rows: json } = toPage(value as KeptPage);
  return readPage(tokenJson({ fields, rows: [json] }));
}
