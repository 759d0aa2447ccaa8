/** The kinds of owner that Pica binds a connection to. */
export const IDENTITY_TYPES = [
  'user',
  'team',
  'organization',
  'project',
] as const;

/** One of `user`, `team`, `organization`, `project`. */
export type AuthKitIdentityType = (typeof IDENTITY_TYPES)[number];

/** Which service answers: Pica, or One, the name it took in March 2026. */
export type AuthKitVendor = 'pica' | 'one';

/**
 * One integration that the widget offers, as Pica sends it. Only the fields
 * that matter to a backend are typed: Pica adds others, the widget decides by
 * what it finds, and all of them are handed on untouched.
 */
export interface AuthKitIntegration {
  id: number | string;
  connectionDefId?: number | string;
  /** The platform's name in URLs and connection keys, e.g. `gmail`. */
  type?: string;
  /** The name that the widget shows, e.g. `Gmail`. */
  title?: string;
  /** Address of the logo. */
  image?: string;
  active?: boolean;
  environment?: string;
  tags?: string[];
  [field: string]: unknown;
}

/**
 * The answer of the token endpoint, which is what the browser widget expects:
 * to be sent as it is, with status 200.
 */
export interface AuthKitToken {
  /** The integrations that the user may connect. */
  rows: AuthKitIntegration[];
  /** How many integrations there are, on all pages. */
  total: number;
  /** How many pages there are: 1 where all rows are in this answer. */
  pages: number;
  /** The page that this is, counted from 1. */
  page: number;
  /** Pica's name for this request, bound to the identity: never share or cache it across identities. */
  requestId: number | string | null;
  /** Whether the account may hide Pica's branding in the widget. */
  isWhiteLabel?: boolean;
  [field: string]: unknown;
}
