import { one } from './one.js';
import { pica } from './pica.js';
import type { Vendor } from './vendor.js';

export type { Vendor } from './vendor.js';

/** All vendors by name, the default first. */
export const VENDORS = { pica, one } satisfies Record<string, Vendor>;

/** The service to call: Pica, or One, the name it took in March 2026. */
export type AuthKitVendor = keyof typeof VENDORS;

/** The maximum number of rows on a page. The service clamps a larger `limit` without a word. */
export const MAX_PAGE_SIZE = 150;
