import type { Observable } from 'rxjs';
import type { CarefulStore } from '../cache/careful-store.js';
import type { PicaFlags, PicaPage } from '../pica/answers.js';
import type { PicaCall, PicaClient } from '../pica/pica.client.js';
import type { PicaOptions } from '../pica/pica.options.js';
import { keepCatalogue } from './kept-catalogue.js';
import { keepFlags } from './kept-flags.js';
import { fetchAllPages } from './pages.js';
import type { TokenOptions } from './token.options.js';

/** Asks for the account's flags; `undefined` where the vendor has none. */
export type AskFlags = (call: PicaCall) => Observable<PicaFlags> | undefined;

/** Asks for one page, counted from 1, in the name of one identity. */
export type AskPage = (page: number, call: PicaCall) => Observable<PicaPage>;

/**
 * All pages in order, at least one.
 *
 * @param guess how many to ask for at once
 */
export type AskAllPages = (
  askPage: AskPage,
  guess: number,
  call: PicaCall,
) => Observable<PicaPage[]>;

/** Where the parts of a token come from. */
export interface TokenSource {
  readonly flags: AskFlags;
  readonly allPages: AskAllPages;
}

/** Pica alone, or with the cache before it as far as the options say so. */
export function tokenSource(
  pica: PicaClient,
  options: SourceOptions,
  store?: CarefulStore,
): TokenSource {
  const { cache, vendor } = options;
  const flags: AskFlags = (call) => pica.flags(call);
  const allPages: AskAllPages = (askPage, guess, call) =>
    fetchAllPages((page) => askPage(page, call), options, guess);
  return {
    flags:
      store && cache?.flags && vendor.flagsPath !== undefined
        ? keepFlags((call) => pica.flags(call)!, options, store)
        : flags,
    allPages:
      store && cache?.catalogue ? keepCatalogue(options, store) : allPages,
  };
}

export type SourceOptions = TokenOptions &
  Pick<PicaOptions, 'vendor' | 'baseUrl'>;
