/** How a page begins, as the service writes it. */
const HEAD = '{"rows":[';
const CLOSING_BRACKET = ']'.charCodeAt(0);

/** A page's text, taken apart. */
export interface PageText {
  /** What it says, with an empty list for `rows`. */
  readonly rest: unknown;
  readonly rows: readonly unknown[];
  /** The text of the rows: what stands between the brackets, nothing where there are none. */
  readonly rowsJson: Buffer;
}

/**
 * Parses a page without losing the text of its rows, which can then be handed
 * on byte for byte: what makes a token cheap is that nothing is serialised again.
 *
 * It supposes that the list begins the text and that no other list follows. That
 * is proved by parsing both parts, what is inside the list and the text without that.
 *
 * @returns `undefined` for a text of another form, JSON or not
 */
export function takeApart(body: Buffer): PageText | undefined {
  const end = body.lastIndexOf(CLOSING_BRACKET);
  if (end < HEAD.length || body.toString('latin1', 0, HEAD.length) !== HEAD) {
    return undefined;
  }
  try {
    const rest: unknown = JSON.parse(HEAD + body.toString('utf8', end));
    const rows = JSON.parse(body.toString('utf8', HEAD.length - 1, end + 1));
    const start = rows.length > 0 ? HEAD.length : end;
    return { rest, rows, rowsJson: body.subarray(start, end) };
  } catch {
    return undefined;
  }
}
