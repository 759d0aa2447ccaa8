import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { isLoopback, type ModuleOptions } from './module.options.js';

/** Warns of options that point at this machine, where `NODE_ENV` is `production`. */
export function warnLocalAddresses({
  baseUrl,
  allowedOrigins,
  pageOrigins,
}: ModuleOptions): void {
  if (process.env.NODE_ENV !== 'production') return;
  const logger = new Logger(AUTHKIT_LOG_CONTEXT);
  if (isLocal(baseUrl)) {
    logger.warn(
      `baseUrl is ${baseUrl}, which is this machine, with NODE_ENV=production: the tokens do not come from the vendor. ` +
        'Leave baseUrl out (AUTHKIT_BASE_URL), or set it to the URL of the API.',
    );
  }
  for (const [option, origins] of Object.entries({
    allowedOrigins,
    pageOrigins,
  })) {
    const local = origins.filter(isLocal);
    if (local.length === 0) continue;
    logger.warn(
      `${option} contains ${local.slice(0, 5).join(', ')}, which is the machine of whoever opens the page, with NODE_ENV=production: ` +
        'whatever runs there may call the route from a browser. Remove it, unless it is the origin of your mobile app.',
    );
  }
}

/** Whether an `http:` or `https:` URL leads to this machine. The origin `capacitor://localhost` is that of an app. */
function isLocal(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return /^https?:$/.test(protocol) && isLoopback(hostname);
}
