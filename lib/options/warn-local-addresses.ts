import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { isLoopback } from './origins.js';
import type { ResolvedOptions } from './resolve-options.js';

type Addresses = Pick<
  ResolvedOptions,
  'baseUrl' | 'allowedOrigins' | 'pageOrigins'
>;

/** Warns of a `baseUrl` with the version of the API, and, if `NODE_ENV` is `production`, of options that point at this machine. */
export function warnLocalAddresses(addresses: Addresses): void {
  const { baseUrl, ...lists } = addresses;
  const logger = new Logger(AUTHKIT_LOG_CONTEXT);
  const version = /\/v\d+\/?$/.exec(new URL(baseUrl).pathname)?.[0];
  if (version) {
    logger.warn(
      `baseUrl ends with ${version}, and the module adds /v1 itself: requests go to ${version.replace(/\/$/, '')}/v1/…. ` +
        'Leave the version out of baseUrl (AUTHKIT_BASE_URL).',
    );
  }
  if (process.env.NODE_ENV !== 'production') return;
  if (isLocal(baseUrl)) {
    logger.warn(
      `baseUrl is ${baseUrl}, which is this machine, with NODE_ENV=production: the tokens do not come from the vendor. ` +
        'Leave baseUrl out (AUTHKIT_BASE_URL), or set it to the URL of the API.',
    );
  }
  const { allowedOrigins, pageOrigins } = lists;
  for (const [option, origins] of Object.entries({
    allowedOrigins,
    pageOrigins,
  })) {
    const local = origins.filter(isLocal);
    if (local.length === 0) continue;
    logger.warn(
      `${option} contains ${local.slice(0, 5).join(', ')}, which is the machine of whoever opens the page, with NODE_ENV=production: ` +
        'a program there may call the route from a browser. Remove it, unless it is the origin of your mobile app.',
    );
  }
}

/** Whether an `http:` or `https:` URL leads to this machine. The origin `capacitor://localhost` is that of an app. */
function isLocal(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return /^https?:$/.test(protocol) && isLoopback(hostname);
}
