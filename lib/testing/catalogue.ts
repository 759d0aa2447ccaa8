import type { AuthKitIntegration } from '../authkit.types.js';
import { PRODUCTS_BY_CATEGORY } from './products.js';

/** The integrations of an account: made on demand from the list of products, or the user's own. */
export interface Catalogue {
  /** How many there are. */
  readonly total: number;
  /** Those from `start` up to, not including, `end`, as of `Array.prototype.slice`. */
  rows(start?: number, end?: number): AuthKitIntegration[];
}

/**
 * @param integrations how many of the known products, or the rows themselves
 */
export function catalogueOf(
  integrations: number | readonly AuthKitIntegration[],
): Catalogue {
  if (typeof integrations !== 'number') {
    const own = [...integrations];
    return { total: own.length, rows: (start, end) => own.slice(start, end) };
  }
  return {
    total: integrations,
    rows: (start = 0, end = integrations) =>
      Array.from(
        { length: Math.max(0, Math.min(end, integrations) - start) },
        (_, index) => rowAt(start + index),
      ),
  };
}

interface Product {
  readonly name: string;
  readonly category: string;
}

/** One of every category, then a second one of every category, and so on: the best known come first. */
const PRODUCTS: readonly Product[] = Object.entries(PRODUCTS_BY_CATEGORY)
  .flatMap(([category, names]) =>
    names.split(', ').map((name, rank) => ({ name, category, rank })),
  )
  .sort((one, other) => one.rank - other.rank);

const HOUR = 3_600_000;
/** The catalogue knows no clock: its dates are counted from here. */
const FIRST_DAY = Date.UTC(2025, 0, 6, 9);

/** Where users bring an API key instead of signing in. */
const KEY_CATEGORIES = new Set(['AI', 'Databases', 'Shipping']);

/** Rows that were asked for before: they are the same for every emulator. */
const known: AuthKitIntegration[] = [];

function rowAt(index: number): AuthKitIntegration {
  return (known[index] ??= makeRow(index));
}

function makeRow(index: number): AuthKitIntegration {
  const { name, category } = PRODUCTS[index % PRODUCTS.length]!;
  const edition = Math.floor(index / PRODUCTS.length) + 1;
  const title = edition === 1 ? name : `${name} (${edition})`;
  const platform = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
  const oauth = !KEY_CATEGORIES.has(category);
  // Counted in base 36 from '10', which looks like the `conn_plf_1C` of the real service.
  const serial = (36 + index).toString(36).toUpperCase();
  // Frozen: a test that changes a row would change it for every other test.
  return Object.freeze({
    id: `conn_plf_${serial}`,
    connectionDefId: `conn_def_${serial}`,
    type: platform,
    title,
    image: `https://assets.picaos.com/connectors/${platform}.svg`,
    activatedAt: FIRST_DAY + (index + 2) * HOUR,
    secretId: `emulated-${platform}`,
    clientSecretDisplay: oauth ? '********' : '',
    clientIdDisplay: oauth ? `${platform}-client` : '',
    scopes: oauth ? `${platform}.read ${platform}.write` : '',
    environment: 'test',
    guide: `https://docs.picaos.com/guides/${platform}`,
    createdAt: FIRST_DAY + index * HOUR,
    tags: Object.freeze([category]) as string[],
    active: true,
  });
}
