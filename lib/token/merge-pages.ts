import type { PicaPage } from '../pica/answers.js';
import type { TokenParts } from './token-json.js';

/**
 * Makes one page of all, as the official package answers: every row in order,
 * the first page's `total`, and the last page's `requestId`, which is Pica's
 * record of the identity. A single page is left as it came.
 */
export function mergePages(pages: readonly PicaPage[]): TokenParts {
  const rows = pages.map((page) => page.rows);
  const first = pages[0]!.fields;
  if (pages.length === 1) return { fields: first, rows };
  const last = pages[pages.length - 1]!.fields;
  return {
    fields: {
      page: 1,
      pages: 1,
      total: first.total,
      requestId: last.requestId,
      // Where the vendor has no flags, the pages themselves say it.
      ...('isWhiteLabel' in last && { isWhiteLabel: last.isWhiteLabel }),
    },
    rows,
  };
}
