import type { AuthKitException } from './authkit.exception.js';

/**
 * A failure for a log line: its reason and the facts that are known. All of
 * them are ours or were checked for their form, so that nothing from upstream
 * can forge a line, and none is the key, a header or the identity.
 *
 * @param duration ms that the failed thing took
 */
export function describeFailure(
  failure: AuthKitException,
  duration?: number,
): string {
  const { cause, upstreamStatus, upstreamCode, correlationId } = failure;
  const { retryAfter, attempts } = failure;
  const facts = [
    cause instanceof Error && cause.message,
    upstreamStatus !== undefined && `upstream status ${upstreamStatus}`,
    upstreamCode,
    correlationId && `correlation id ${correlationId}`,
    retryAfter !== undefined && `retry after ${retryAfter} s`,
    attempts !== undefined && `attempts ${attempts}`,
    duration !== undefined && `${Math.round(duration)} ms`,
  ].filter(Boolean);
  return facts.length > 0
    ? `${failure.reason} (${facts.join(', ')})`
    : failure.reason;
}
