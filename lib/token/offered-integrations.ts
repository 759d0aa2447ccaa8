import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitIntegration } from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import type { IntegrationFilter } from '../options/module.options.js';
import { rawRows, type ElementBounds, type RawPage } from './raw-page.js';

/**
 * Removes the integrations that the option `allowIntegration` refuses, and
 * copies the text of those that stay.
 *
 * @param keepsCounts whether `total` and `pages` stay those of Pica, so that the widget goes on to the next page
 * @throws {AuthKitException} `unavailable` where the function throws, or returns neither `true` nor `false`: an error must not offer more
 */
export function filterIntegrations(
  pages: RawPage[],
  allow: IntegrationFilter,
  identity: AuthKitIdentity | undefined,
  keepsCounts: boolean,
): RawPage[] {
  let offered = 0;
  const filtered = pages.map((page) => {
    const isAllowed = page
      .sharedRows()
      .map((row) =>
        decide(allow, deepFreeze(row) as AuthKitIntegration, identity),
      );
    const count = isAllowed.filter(Boolean).length;
    offered += count;
    const rows =
      count === isAllowed.length
        ? page.rows
        : copyElements(page.rows, page.findRows(), isAllowed);
    // Without what was parsed, which the token need not hold.
    return { ...page, ...rawRows(rows) };
  });
  if (keepsCounts) return filtered;
  return filtered.map((page) => ({
    ...page,
    members: new Map(page.members)
      .set('total', String(offered))
      .set('pages', '1'),
  }));
}

const COMMA = Buffer.from(',');

/** Copies the elements of a list's inside that are allowed, neighbours in one piece. */
function copyElements(
  inside: Buffer,
  elements: readonly ElementBounds[],
  isAllowed: readonly boolean[],
): Buffer {
  const parts: Buffer[] = [];
  for (let first = 0; first < elements.length; first += 1) {
    if (!isAllowed[first]) continue;
    let last = first;
    while (isAllowed[last + 1]) last += 1;
    if (parts.length > 0) parts.push(COMMA);
    parts.push(inside.subarray(elements[first]![0], elements[last]![1]));
    first = last;
  }
  return Buffer.concat(parts);
}

function decide(
  allow: IntegrationFilter,
  row: AuthKitIntegration,
  identity: AuthKitIdentity | undefined,
): boolean {
  let isAllowed: unknown;
  try {
    isAllowed = allow(row, identity);
  } catch {
    throw refuse('threw an error');
  }
  if (typeof isAllowed === 'boolean') return isAllowed;
  // A promise that rejects later would end the process.
  void Promise.resolve(isAllowed).catch(() => {});
  throw refuse('returned neither true nor false');
}

function refuse(what: string): AuthKitException {
  return new AuthKitException('unavailable', {
    cause: new Error(`the allowIntegration function ${what}`),
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) {
    return value;
  }
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
