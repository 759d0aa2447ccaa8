import type { AuthKitIntegration } from '../authkit.types.js';
import { PRODUCTS_BY_CATEGORY } from './products.js';

/** The integrations of an account: created on demand from the list of products, or the test's own. */
export interface IntegrationList {
  readonly total: number;
  /** The rows from `start` up to, not including, `end`, as in `Array.prototype.slice`. */
  rows(start?: number, end?: number): AuthKitIntegration[];
  /** The same list in JSON, serialized once for each range: to do so again would be part of every response's latency. */
  rowsJson(start: number, end: number): string;
}

/** The maximum number of ranges whose JSON is remembered. */
const MAX_RANGES = 100;

/**
 * @param integrations the number of products, or the rows themselves
 * @param environment the one of the products
 */
export function integrationList(
  integrations: number | readonly AuthKitIntegration[],
  environment?: string,
): IntegrationList {
  if (typeof integrations !== 'number') {
    // Copies: a test that changes its rows later does not change the emulator.
    const own = integrations.map((row) => Object.freeze({ ...row }));
    return withJson(own.length, (start, end) => own.slice(start, end));
  }
  return withJson(integrations, (start = 0, end = integrations) =>
    Array.from(
      { length: Math.max(0, Math.min(end, integrations) - start) },
      (_, index) => productRow(start + index, environment),
    ),
  );
}

function withJson(
  total: number,
  rows: IntegrationList['rows'],
): IntegrationList {
  const texts = new Map<string, string>();
  return {
    total,
    rows,
    rowsJson(start, end) {
      const range = `${start}-${end}`;
      const known = texts.get(range);
      if (known !== undefined) return known;
      // Ranges are the client's choice.
      if (texts.size >= MAX_RANGES) texts.clear();
      const text = JSON.stringify(rows(start, end));
      texts.set(range, text);
      return text;
    },
  };
}

/** Whether users sign in at the platform; else they enter an API key. Inferred from the fields of a row. */
export function usesOAuth({ scopes, clientIdDisplay }: AuthKitIntegration) {
  return Boolean(scopes || clientIdDisplay);
}

/** The types of connections. A token row may have one as its `type`, where others have the platform. */
const CONNECTION_TYPES = [
  'api',
  'databasesql',
  'databasenosql',
  'filesystem',
  'stream',
  'custom',
];

/** The platform of a token row, e.g. `gmail`. */
export function platformOf({ type, title, id }: AuthKitIntegration): string {
  if (type && !CONNECTION_TYPES.includes(type)) return type;
  return slug(String(title ?? id));
}

/** The row of a platform: among the test's own, else a product, else a row made for it. */
export function integrationOf(
  platform: string,
  own: readonly AuthKitIntegration[],
  environment?: string,
): AuthKitIntegration {
  const index = PRODUCTS.findIndex(({ name }) => slug(name) === platform);
  return (
    own.find((row) => platformOf(row) === platform) ??
    (index < 0
      ? { id: platform, type: platform, title: platform, environment }
      : productRow(index, environment))
  );
}

/** An integration as `GET /v1/available-connectors` lists it. Its `id` is the `connectionDefId` of the token row. */
export function toConnector(integration: AuthKitIntegration) {
  const { id, connectionDefId = id, title, image = '' } = integration;
  const { tags = [], active = true, scopes } = integration;
  const platform = platformOf(integration);
  const oauth = usesOAuth(integration);
  const raw = typeof scopes === 'string' ? scopes : '';
  return {
    id: connectionDefId,
    name: title ?? platform,
    key: `api::${platform}::v1`,
    platform,
    platformVersion: 'v1',
    title: title ?? null,
    description: '',
    category: tags[0] ?? 'Other',
    image,
    tags,
    tools: 12,
    oauth,
    oauthScopes: oauth
      ? { raw, scopes: raw.split(/\s+/).filter(Boolean), separator: null }
      : null,
    status: 'generally_available',
    version: '1.0.0',
    active,
  };
}

interface Product {
  readonly name: string;
  readonly category: string;
}

/** The first product of every category, then the second of every category, and so on: the best known come first. */
const PRODUCTS: readonly Product[] = Object.entries(PRODUCTS_BY_CATEGORY)
  .flatMap(([category, names]) =>
    names.split(', ').map((name, rank) => ({ name, category, rank })),
  )
  .sort((one, other) => one.rank - other.rank);

const HOUR = 3_600_000;
/** The dates of all rows are counted from here, not from today: they are the same in every run. */
const FIRST_DAY = Date.UTC(2025, 0, 6, 9);

/** The categories whose users enter an API key. */
const API_KEY_CATEGORIES = new Set(['AI', 'Databases', 'Shipping']);

/** The rows created so far, for all emulators, by environment. */
const cachedRows: Record<string, AuthKitIntegration[]> = {};

function productRow(index: number, environment = 'test'): AuthKitIntegration {
  const rows = (cachedRows[environment] ??= []);
  return (rows[index] ??= createRow(index, environment));
}

function createRow(index: number, environment: string): AuthKitIntegration {
  const { name, category } = PRODUCTS[index % PRODUCTS.length]!;
  const edition = Math.floor(index / PRODUCTS.length) + 1;
  const title = edition === 1 ? name : `${name} (${edition})`;
  const platform = slug(title);
  const oauth = !API_KEY_CATEGORIES.has(category);
  // Counted in base 36 from '10', which looks like the `conn_plf_1C` of the real service.
  const serial = (36 + index).toString(36).toUpperCase();
  const date = (hours: number) =>
    new Date(FIRST_DAY + ((index % 10_000) + hours) * HOUR).toISOString();
  // Frozen: a test that changes a row would change it for every other test.
  return Object.freeze({
    id: `conn_plf_${serial}`,
    connectionDefId: `conn_def_${serial}`,
    type: platform,
    title,
    image: `https://assets.picaos.com/connectors/${platform}.svg`,
    activatedAt: date(2),
    secretId: uuid('5', index),
    clientSecretDisplay: oauth ? '********' : '',
    clientIdDisplay: oauth ? `${platform}-client` : '',
    scopes: oauth ? `${platform}.read ${platform}.write` : '',
    environment,
    guide: `https://docs.picaos.com/guides/${platform}`,
    createdAt: date(0),
    tags: Object.freeze([category]) as string[],
    active: true,
    useDefaultOauthCreds: oauth,
  });
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}

/** A UUID that is the same in every run. The first hex digit tells the kinds apart. */
export function uuid(kind: string, serial: number): string {
  const hex = serial.toString(16).padStart(12, '0');
  return `${kind}0000000-0000-4000-8000-${hex}`;
}
