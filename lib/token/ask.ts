import type { Observable } from 'rxjs';
import type { PicaFlags, PicaPage } from '../pica/answers.js';
import type { PicaCall } from '../pica/pica.client.js';
import type { PicaOptions } from '../pica/pica.options.js';
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

/** The options on which it depends what is asked for, and how. */
export type SourceOptions = TokenOptions &
  Pick<PicaOptions, 'vendor' | 'baseUrl'>;
