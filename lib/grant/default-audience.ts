import { VERSION_NEUTRAL } from '@nestjs/common';
import {
  DEFAULT_PATH,
  type AuthKitControllerOptions,
} from '../options/controller.options.js';

/** The audience of grants that the app's own controllers accept. */
const SERVICE_AUDIENCE = 'authkit-grant-service';

/**
 * The default audience of a registration's grants: the path and version of its
 * controller, on which all instances of an app agree. Registrations that differ
 * in neither, or that have no route, need `grant.audience`.
 *
 * @param controller the options of the controller; `undefined` without a controller
 */
export function defaultAudience(
  controller: Pick<AuthKitControllerOptions, 'path' | 'version'> | undefined,
): string {
  if (!controller) return SERVICE_AUDIENCE;
  const { path = DEFAULT_PATH, version } = controller;
  const route = `/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (version === undefined) return route;
  const versions = [version]
    .flat()
    .map((each) => (each === VERSION_NEUTRAL ? 'neutral' : String(each)));
  return `${route}#${versions.join(',')}`;
}
