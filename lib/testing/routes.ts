import type { AuthKitVendor } from '../authkit.types.js';
import { connectionsRoute } from './connections/connections.route.js';
import { flagsRoute } from './flags.route.js';
import type { Route } from './route.js';
import { tokenRoute } from './token.route.js';

/**
 * What there is to call, by vendor. Written down here once more rather than
 * taken from the client: a mistake there has to fail the tests.
 */
export const ROUTES: Readonly<Record<AuthKitVendor, readonly Route[]>> = {
  pica: [flagsRoute, tokenRoute('/v1/authkit'), connectionsRoute],
  one: [
    tokenRoute('/v1/authkit/token', ({ whiteLabel }) => ({
      isWhiteLabel: whiteLabel,
    })),
    connectionsRoute,
  ],
};

/** The header that carries the secret key. */
export const SECRET_HEADERS: Readonly<Record<AuthKitVendor, string>> = {
  pica: 'x-pica-secret',
  one: 'x-one-secret',
};
