import type { IncomingMessage } from 'node:http';
import { AuthKitException } from '../pica/authkit.exception.js';
import type { AuthKitIdentityType } from '../pica/types.js';
import type {
  ExtractedIdentity,
  IdentityExtractor,
} from './identity-extractor.js';

interface RequestLike {
  user?: unknown;
  headers?: IncomingMessage['headers'];
  headersDistinct?: IncomingMessage['headersDistinct'];
  /** Node's own request, on Fastify. */
  raw?: IncomingMessage;
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
   * @param property the user's property that names the identity. Default: `id`, then `sub`.
   *   It has to be a string: for a numeric id pass an extractor of your own,
   *   `(request) => request.user && String(request.user.id)`.
   * @param identityType default `user`
   */
  fromUser(
    property?: string,
    identityType: AuthKitIdentityType = 'user',
  ): IdentityExtractor {
    const properties = property === undefined ? ['id', 'sub'] : [property];
    return ({ user }: RequestLike) => {
      if (typeof user !== 'object' || user === null) return undefined;
      const values = user as Record<string, unknown>;
      const found = properties.map((name) => values[name]).find(isPresent);
      return identityOf(found, identityType);
    };
  },

  /**
   * Reads a request header. **Only behind a gateway that you trust** and that
   * sets this header itself and removes the client's own: anybody who reaches
   * the app directly can send any header, and so be any user.
   * A header that was sent twice is refused.
   *
   * @param name the header, in any case
   * @param identityType default `user`
   */
  fromHeader(
    name: string,
    identityType: AuthKitIdentityType = 'user',
  ): IdentityExtractor {
    const key = name.toLowerCase();
    return (request: RequestLike) => {
      const { headersDistinct } = request.raw ?? request;
      // Node joins repeated headers with a comma: "mallory, alice" would be one identity.
      const values = headersDistinct?.[key] ?? [request.headers?.[key]].flat();
      if (values.length > 1) {
        throw new AuthKitException('invalid_identity', {
          message: `The ${name} header was sent more than once: send it once.`,
        });
      }
      return identityOf(values[0], identityType);
    };
  },

  /**
   * Asks one extractor after the other, and takes the first identity that is there.
   */
  fromExtractors(extractors: readonly IdentityExtractor[]): IdentityExtractor {
    return async (request, context) => {
      for (const extract of extractors) {
        const found = await extract(request, context);
        if (isPresent(found)) return found;
      }
      return undefined;
    };
  },
} as const;

/** Of whatever type it is: what cannot be an identity is refused by the guard, with a reason. */
function identityOf(
  value: unknown,
  identityType: AuthKitIdentityType,
): ExtractedIdentity {
  return isPresent(value)
    ? { identity: value as string, identityType }
    : undefined;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
