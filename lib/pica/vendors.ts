import type { AuthKitVendor } from './types.js';

/** What differs between the names under which the service runs. */
export interface VendorProfile {
  /** The name for people, in messages. */
  readonly title: string;
  /** Root of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** The header that carries the secret key. */
  readonly secretHeader: string;
  /** The origin of the hosted widget: the page that calls the token endpoint. */
  readonly widgetOrigin: string;
  /** Where a page of integrations is asked for. */
  readonly tokenPath: string;
  /** Where the account's flags are read; `undefined` where the answer itself carries `isWhiteLabel`. */
  readonly flagsPath?: string;
  /** What the vendor's widget expects: all rows at once, or the page it asks for. */
  readonly paging: 'all' | 'forward';
  /** The environment variable that holds the key, for advice in messages. */
  readonly secretVariable: string;
}

export const VENDORS: Readonly<Record<AuthKitVendor, VendorProfile>> = {
  pica: {
    title: 'Pica',
    baseUrl: 'https://api.picaos.com',
    secretHeader: 'X-Pica-Secret',
    widgetOrigin: 'https://authkit.picaos.com',
    tokenPath: '/v1/authkit',
    flagsPath: '/v1/users/flags',
    paging: 'all',
    secretVariable: 'PICA_SECRET_KEY',
  },
  one: {
    title: 'One',
    baseUrl: 'https://api.withone.ai',
    secretHeader: 'X-One-Secret',
    widgetOrigin: 'https://auth.withone.ai',
    tokenPath: '/v1/authkit/token',
    paging: 'forward',
    secretVariable: 'ONE_SECRET_KEY',
  },
};

/** The most rows that the service gives on one page: it silently clamps a larger `limit`. */
export const MAX_PAGE_SIZE = 150;
