const DEFAULT_LIMIT = 20;
/** The service gives no more rows than this on a page, whatever is asked for. */
export const MAX_LIMIT = 150;

/** The page that a query asks for; `undefined` where it makes no sense. */
export function pageOf(
  query: Readonly<Record<string, string | undefined>>,
): { limit: number; page: number } | undefined {
  const limit = positive(query.limit, DEFAULT_LIMIT);
  const page = positive(query.page, 1);
  return limit === undefined || page === undefined
    ? undefined
    : { limit, page };
}

/** A parameter of the query, its default where it is missing, `undefined` for what is no positive integer. */
function positive(
  value: string | undefined,
  byDefault: number,
): number | undefined {
  if (value === undefined) return byDefault;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : 0;
  return number > 0 ? number : undefined;
}
