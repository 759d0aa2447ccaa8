import { VERSION_NEUTRAL } from '@nestjs/common';
import { AUTHKIT_PATH } from '../authkit.constants.js';

/** What of a controller names it: the part of its options that the audience is made of. */
interface Route {
  path?: string;
  version?: string | string[] | typeof VERSION_NEUTRAL;
}

/**
 * The audience of a registration's grants, from what is written in its code:
 * all instances of an app agree on it, and no two routes of an app share it.
 */
export function audienceOf({
  path = AUTHKIT_PATH,
  version,
}: Route = {}): string {
  const route = `/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (version === undefined) return route;
  const versions = [version]
    .flat()
    .map((each) => (each === VERSION_NEUTRAL ? 'neutral' : String(each)));
  return `${route}#${versions.join(',')}`;
}
