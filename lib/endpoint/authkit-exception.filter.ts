import {
  Catch,
  Inject,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import {
  AuthKitException,
  type AuthKitErrorReason,
} from '../authkit.exception.js';
import { createWarnOnce } from '../warn-once.js';
import { getRequestIdentity } from '../identity/get-request.js';
import { isPromise } from '../within.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { markOwnError } from './cors.js';
import type { PlatformResponse } from './platform-response.js';

/** The maximum of `Retry-After` in seconds. */
const MAX_RETRY_AFTER = 3_600;

/** The maximum length of a message in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 500;

/**
 * Sends an {@link AuthKitException} in the form that the widget reads: a string
 * `message` at the top, which the option `messages` may replace, and
 * `Retry-After` if known, for a 429 at least 1 s. The app's filters do not apply.
 *
 * @internal
 */
@Catch(AuthKitException)
export class AuthKitExceptionFilter implements ExceptionFilter<AuthKitException> {
  private readonly warnOnce = createWarnOnce();

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  catch(exception: AuthKitException, host: ArgumentsHost): void {
    const { reason } = exception;
    // The client has closed the connection.
    if (reason === 'cancelled') return;
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<PlatformResponse>();
    markOwnError(response);
    // Something else has responded already, e.g. a timeout of the app.
    if (httpAdapter.isHeadersSent(response)) return;

    const { retryAfter = reason === 'rate_limited' ? 1 : undefined } =
      exception;
    if (retryAfter !== undefined) {
      const seconds = Math.min(retryAfter, MAX_RETRY_AFTER);
      httpAdapter.setHeader(response, 'Retry-After', String(seconds));
    }
    const body = exception.getResponse() as object;
    const message = this.messageFor(reason, host.switchToHttp().getRequest());
    httpAdapter.reply(
      response,
      message === undefined ? body : { ...body, message },
      exception.getStatus(),
    );
  }

  /** `undefined` for the exception's own message. */
  private messageFor(
    reason: AuthKitErrorReason,
    request: object,
  ): string | undefined {
    const { messages } = this.options;
    if (!messages) return undefined;
    try {
      const identity = getRequestIdentity(request);
      const message: unknown = messages(reason, identity, request);
      if (message === undefined || isMessage(message)) return message;
      // A promise is no message. Its rejection must not end the process.
      if (isPromise(message)) message.then(undefined, () => {});
    } catch {
      // The error is not logged: it may hold what belongs to the request.
    }
    this.warnOnce(
      reason,
      `The messages function failed for the reason ${reason}, so the default is sent. ` +
        `It has to return a string of 1 to ${MAX_MESSAGE_LENGTH} characters that is not blank, or undefined; it must not throw or return a promise. (Logged once for each reason.)`,
    );
    return undefined;
  }
}

function isMessage(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_MESSAGE_LENGTH &&
    value.trim() !== ''
  );
}
