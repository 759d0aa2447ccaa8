export type { AuthKitVendor } from './pica/vendors.js';

/** The kinds of identity that Pica binds a connection to. */
export const IDENTITY_TYPES = [
  'user',
  'team',
  'organization',
  'project',
] as const;

/** One of `user`, `team`, `organization`, `project`. */
export type AuthKitIdentityType = (typeof IDENTITY_TYPES)[number];

/**
 * One integration that the widget offers, as Pica sends it. Only the fields
 * that matter to a backend are typed. Pica adds others; the widget decides by
 * the fields it finds, so all of them are passed on unchanged.
 */
export interface AuthKitIntegration {
  id: number | string;
  connectionDefId?: number | string;
  /** The platform's name in URLs and connection keys, e.g. `gmail`. */
  type?: string;
  /** The name that the widget shows, e.g. `Gmail`. */
  title?: string;
  /** The URL of the logo. */
  image?: string;
  active?: boolean;
  environment?: string;
  tags?: string[];
  [field: string]: unknown;
}

/**
 * The response of the token endpoint, as the browser widget expects it. Send it
 * unchanged, with status 200.
 */
export interface AuthKitToken {
  /** The integrations that the user may connect. */
  rows: AuthKitIntegration[];
  /** The number of integrations on all pages. */
  total: number;
  /** The number of pages: 1 where all rows are in this response. */
  pages: number;
  /** The number of this page, from 1. */
  page: number;
  /** Pica's id of this request, bound to the identity: never share or cache it across identities. */
  requestId: number | string | null;
  /** Whether the account may hide Pica's branding in the widget. */
  isWhiteLabel?: boolean;
  [field: string]: unknown;
}
