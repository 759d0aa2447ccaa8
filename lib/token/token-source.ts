import type { CarefulStore } from '../cache/careful-store.js';
import type { PicaClient } from '../pica/pica.client.js';
import type { AskAllPages, AskFlags, SourceOptions } from './ask.js';
import { keepCatalogue } from './kept-catalogue.js';
import { keepFlags } from './kept-flags.js';
import { fetchAllPages } from './pages.js';

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
