import type { IncomingMessage } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitIdentityType } from '../authkit.types.js';
import { within } from '../within.js';

/** What an extractor returns: an identity, its id alone (then of type `user`), or nothing. */
export type ExtractedIdentity =
  | { identity: string; identityType?: AuthKitIdentityType; tenant?: string }
  | string
  | null
  | undefined;

/**
 * Extracts the identity of the caller from a request. Read only what a guard
 * has verified, such as `request.user`; never the body or the query, which the
 * caller writes.
 *
 * - `null`, `undefined` or an empty string: there is no identity, the response is 401
 * - a thrown `HttpException`: the response is that exception's
 *
 * @param request the request of the platform (Express or Fastify)
 * @param context the execution context, for handler metadata or other transports
 */
export type IdentityExtractor = (
  // A request is whatever platform, guards and middleware made of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  request: any,
  context: ExecutionContext,
) => ExtractedIdentity | Promise<ExtractedIdentity>;

/** The property of an extractor that says what it reads. */
const READS = Symbol.for('nestjs-pica-authkit:reads');

/** Names what an extractor reads, for a log line. */
export function describeExtractor(
  extract: IdentityExtractor & { [READS]?: string },
): string {
  return extract[READS] ?? 'what its function returns for the request';
}

function describedAs(
  reads: string,
  extract: IdentityExtractor,
): IdentityExtractor {
  return Object.assign(extract, { [READS]: reads });
}

/**
 * Ready-made {@link IdentityExtractor}s, for the `identity` option.
 *
 * @example
 * ```ts
 * AuthKitModule.forRoot({
 *   secretKey: 'sk_live_1234',
 *   identity: ExtractIdentity.fromUser('organizationId', 'organization'),
 * });
 * ```
 *
 * @publicApi
 */
export const ExtractIdentity = {
  /**
   * Reads `request.user`, where passport and most guards put the user.
   *
   * @param property the property of the user that holds the id. Default: `id`, then `sub`.
   *   Its value must be a string. For a numeric id pass an extractor of your own:
   *   `(request) => request.user && String(request.user.id)`.
   * @param identityType default `user`
   * @param more `tenant`: the property of the user that holds the id of the tenant.
   *   A user without it is not identified.
   */
  fromUser(
    property?: string,
    identityType: AuthKitIdentityType = 'user',
    { tenant }: { tenant?: string } = {},
  ): IdentityExtractor {
    const properties = property === undefined ? ['id', 'sub'] : [property];
    const reads = properties.map((name) => `request.user.${name}`);
    const ofTenant = tenant === undefined ? '' : ` and request.user.${tenant}`;
    return describedAs(`${reads.join(', then ')}${ofTenant}`, (request) => {
      const { user } = request;
      if (typeof user !== 'object' || user === null) return undefined;
      const found = properties.map((name) => user[name]).find(isPresent);
      const extracted = toExtracted(found, identityType);
      if (tenant === undefined || !extracted) return extracted;
      return isPresent(user[tenant])
        ? { ...extracted, tenant: user[tenant] }
        : undefined;
    });
  },

  /**
   * Reads a request header. **Use it only behind a trusted gateway** that sets
   * this header itself and removes the client's own: whoever reaches the app
   * directly can send any header, and so claim to be any user.
   * A header that was sent more than once is refused.
   *
   * @param name the header, in any case
   * @param identityType default `user`
   */
  fromHeader(
    name: string,
    identityType: AuthKitIdentityType = 'user',
  ): IdentityExtractor {
    const key = name.toLowerCase();
    return describedAs(`the header ${key}`, (request) => {
      // On Fastify, `raw` is Node's own request.
      const { headersDistinct } = (request.raw ?? request) as IncomingMessage;
      // Node joins repeated headers with a comma: "mallory, alice" would be one identity.
      const values = headersDistinct?.[key] ?? [request.headers?.[key]].flat();
      if (values.length > 1) {
        throw new AuthKitException('invalid_identity', {
          message: `The ${name} header was sent more than once: send it once.`,
        });
      }
      return toExtracted(values[0], identityType);
    });
  },

  /** Calls one extractor after the other and returns the first identity. */
  fromExtractors(extractors: readonly IdentityExtractor[]): IdentityExtractor {
    const reads = extractors.map(describeExtractor).join(', then ');
    return describedAs(reads, async (request, context) => {
      for (const extract of extractors) {
        const found = await extract(request, context);
        if (isPresent(found)) return found;
      }
      return undefined;
    });
  },
} as const;

/** Of whatever type the value is: the guard refuses what cannot be an identity, with a reason. */
function toExtracted(
  value: unknown,
  identityType: AuthKitIdentityType,
): Exclude<ExtractedIdentity, string | null> {
  return isPresent(value)
    ? { identity: value as string, identityType }
    : undefined;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/**
 * Limits the time of an extractor, e.g. of one that reads a database.
 *
 * @param timeout ms
 * @throws {AuthKitException} (of the returned extractor) `timed_out`
 */
export function withTimeout(
  extract: IdentityExtractor,
  timeout: number,
): IdentityExtractor {
  return describedAs(describeExtractor(extract), async (request, context) => {
    const extracted = extract(request, context);
    // Most extractors return at once.
    if (!(extracted instanceof Object && 'then' in extracted)) return extracted;
    const wrap = async () => ({ identity: await extracted });
    const outcome = await within(wrap(), timeout);
    if (outcome) return outcome.identity;
    throw new AuthKitException('timed_out', {
      cause: new Error('the identity extractor did not respond'),
    });
  });
}
