import { VERSION_NEUTRAL } from '@nestjs/common';
import { AUTHKIT_PATH } from '../authkit.constants.js';

/** Of grants that the app's own controllers take. */
const SERVICE_AUDIENCE = 'authkit-grant-service';

/** What of a controller names it: the part of its options that the audience is made of. */
interface Route {
  path?: string;
  version?: string | string[] | typeof VERSION_NEUTRAL;
}

/**
 * The audience of a registration's grants, from what is written in its code,
 * on which all instances of an app agree. Registrations that differ in neither
 * path nor version, or that have no route, tell their grants apart by `grant.audience` alone.
 *
 * @param registered the controller's options; `undefined` without a controller
 */
export function audienceOf(registered: Route | undefined): string {
  if (!registered) return SERVICE_AUDIENCE;
  const { path = AUTHKIT_PATH, version } = registered;
  const route = `/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (version === undefined) return route;
  const versions = [version]
    .flat()
    .map((each) => (each === VERSION_NEUTRAL ? 'neutral' : String(each)));
  return `${route}#${versions.join(',')}`;
}
