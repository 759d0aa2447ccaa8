import type { ExecutionContext } from '@nestjs/common';
import { AuthKitException } from '../authkit.exception.js';
import { createWarnOnce, sanitizeForLog } from '../warn-once.js';
import {
  describeExtractor,
  type IdentityExtractor,
} from './extract-identity.js';

/** The maximum number of property names in a line. */
const MAX_NAMES = 20;

/** Names that are likely to hold the id of a user, the likeliest first. */
const ID_NAMES = [
  /^user_?id$/i,
  /^(?:_id|id|sub|uid|uuid|guid)$/i,
  /^(?:account|member|customer|owner|subject)_?(?:id)?$/i,
  /id$/i,
];

/** The part of a request that a warning describes. */
interface DescribedRequest {
  readonly method?: string;
  readonly user?: unknown;
  /** Express. */
  readonly route?: { readonly path?: unknown };
  /** Fastify. */
  readonly routeOptions?: { readonly url?: unknown };
}

/**
 * Warns of requests that the guards of the app have let pass, and that have no
 * usable identity: the most likely error of a first day. It names properties
 * of `request.user`, never values.
 */
export class MissingIdentityLog {
  private readonly warnOnce = createWarnOnce();

  /** @param error what the guard refuses the request with */
  warn(
    error: unknown,
    extracted: unknown,
    extract: IdentityExtractor,
    request: DescribedRequest,
    context: ExecutionContext,
  ): void {
    if (!(error instanceof AuthKitException)) return;
    const route = describeRoute(request, context);
    if (error.reason === 'invalid_identity') {
      if (isText(extracted)) return;
      return this.warnOnce(
        `${route} ${error.message}`,
        `${route}: the identity is invalid (400): ${error.message} (Logged once.)`,
      );
    }
    const found = describeUser(request.user);
    this.warnOnce(
      `${route} ${found}`,
      `${route}: the guards have let the request pass, but it has no identity (401). ` +
        `The identity option reads ${describeExtractor(extract)}; ${found}. ${adviceFor(request.user, extract)} (Logged once.)`,
    );
  }
}

/** Whether what an extractor has returned has the right types: then its value is what is wrong, and the caller's. */
function isText(extracted: unknown): boolean {
  if (typeof extracted === 'string') return true;
  const { identity, tenant } = (extracted ?? {}) as Record<string, unknown>;
  return (
    typeof identity === 'string' &&
    (typeof tenant === 'string' || tenant === undefined || tenant === null)
  );
}

function describeRoute(
  { method = '', route, routeOptions }: DescribedRequest,
  context: ExecutionContext,
): string {
  // The path of the route, not of the request, which the caller writes.
  const path = route?.path ?? routeOptions?.url;
  return typeof path === 'string'
    ? `${method} ${path}`
    : `${context.getClass().name}.${context.getHandler().name}()`;
}

function describeUser(user: unknown): string {
  if (user === undefined || user === null) {
    return 'no guard has set request.user';
  }
  if (typeof user !== 'object') return `request.user is a ${typeof user}`;
  const names = Object.keys(user).sort().slice(0, MAX_NAMES);
  return names.length > 0
    ? `request.user has the properties ${sanitizeForLog(names.join(', '))}`
    : 'request.user has no properties';
}

function adviceFor(user: unknown, extract: IdentityExtractor): string {
  const reads = describeExtractor(extract);
  if (!reads.includes('request.user')) {
    return 'If the caller is known, return the id; if not, refuse the request in a guard.';
  }
  if (user === undefined || user === null) {
    return 'Add the guard that authenticates the user: controller: { guards: [JwtAuthGuard] }, or before AuthKitIdentityGuard in @UseGuards().';
  }
  if (typeof user !== 'object') {
    return 'Return it: identity: (request) => String(request.user).';
  }
  if (reads.includes(' and request.user.')) {
    return "Name the properties that hold the ids of the user and of the tenant: identity: ExtractIdentity.fromUser('property', 'user', { tenant: 'property' }).";
  }
  const names = Object.keys(user);
  const likely = ID_NAMES.flatMap((pattern) =>
    names.filter((name) => pattern.test(name) && !reads.includes(`.${name}`)),
  )[0];
  return `Name the property that holds the id: identity: ExtractIdentity.fromUser('${sanitizeForLog(likely ?? 'property')}').`;
}
