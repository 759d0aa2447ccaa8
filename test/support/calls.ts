import type { PicaEmulator } from '../../lib/testing/index.js';

/** The calls that Pica has had: `flags`, and `page N` of the catalogue, in order of their names. */
export function callsTo(pica: PicaEmulator): string[] {
  return pica.requests
    .map(({ method, query }) =>
      method === 'GET' ? 'flags' : `page ${query.page}`,
    )
    .sort();
}
