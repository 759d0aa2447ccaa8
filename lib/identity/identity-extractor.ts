import type { ExecutionContext } from '@nestjs/common';
import type { AuthKitIdentityType } from '../pica/types.js';

/** What an extractor may say: an identity, its name alone (then of type `user`), or that there is none. */
export type ExtractedIdentity =
  | { identity: string; identityType?: AuthKitIdentityType }
  | string
  | null
  | undefined;

/**
 * Tells from a request who is asking. Read only what a guard has verified,
 * such as `request.user`; never the body or the query, which the caller writes.
 *
 * - `null`, `undefined` or an empty string: no identity, the answer is 401
 * - an `HttpException` thrown: the answer is that exception's
 *
 * @param request the request of the platform (Express or Fastify)
 * @param context the execution context, for handler metadata or other transports
 */
export type IdentityExtractor = (
  // A request is whatever platform, guards and middlewares made of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  request: any,
  context: ExecutionContext,
) => ExtractedIdentity | Promise<ExtractedIdentity>;

/** The option that the guard needs, complete. @internal */
export interface IdentityOptions {
  readonly identity: IdentityExtractor;
}
