import {
  Catch,
  Inject,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import { createWarnOnce } from '../warn-once.js';
import { getRequestIdentity } from '../identity/get-request.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isPromise } from '../options/validation.js';
import { formatType } from '../format-value.js';
import type { PlatformResponse } from './platform-response.js';
import { markOwnError } from './refusal-log.js';

/** The maximum of `Retry-After` in seconds. */
const MAX_RETRY_AFTER = 3_600;

/** The maximum length of a message in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 500;

/** The default of `Retry-After` for a 429 in seconds. */
const DEFAULT_RETRY_AFTER = 1;

/**
 * Sends an {@link AuthKitException} in the form that the widget reads, whatever
 * filters the app has: a string `message` at the top, which the option `messages`
 * may replace, and `Retry-After` where known.
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
    // The client has closed the connection.
    if (exception.reason === 'cancelled') return;

    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<PlatformResponse>();
    markOwnError(response);
    // Something else has responded already, e.g. a timeout of the app.
    if (httpAdapter.isHeadersSent(response)) return;

    const { reason } = exception;
    const retryAfter =
      exception.retryAfter ??
      (reason === 'rate_limited' ? DEFAULT_RETRY_AFTER : undefined);
    if (retryAfter !== undefined) {
      const seconds = Math.min(retryAfter, MAX_RETRY_AFTER);
      httpAdapter.setHeader(response, 'Retry-After', String(seconds));
    }
    const body = exception.getResponse() as object;
    const message = this.messageFor(exception, host);
    httpAdapter.reply(
      response,
      message === undefined ? body : { ...body, message },
      exception.getStatus(),
    );
  }

  /** `undefined` for the exception's own message. */
  private messageFor(
    { reason }: AuthKitException,
    host: ArgumentsHost,
  ): string | undefined {
    const { messages } = this.options;
    if (!messages) return undefined;
    const request = host.switchToHttp().getRequest<object>();
    try {
      const message: unknown = messages(
        reason,
        getRequestIdentity(request),
        request,
      );
      // A promise is no message. If it rejects, that must not end the process.
      if (isPromise(message)) message.then(undefined, () => {});
      if (isMessage(message)) return message;
      if (message !== undefined) {
        this.warn(reason, `returned ${describe(message)}`);
      }
    } catch {
      // The error may hold what belongs to the request.
      this.warn(reason, 'threw an error');
    }
    return undefined;
  }

  private warn(reason: string, what: string): void {
    this.warnOnce(
      reason,
      [
        `The messages function ${what} for the reason ${reason}, so the default is sent.`,
        `It has to return a string of 1 to ${MAX_MESSAGE_LENGTH} characters, or undefined, and no promise.`,
        '(Logged once for each reason.)',
      ].join(' '),
    );
  }
}

/** What is wrong with a message, without its text. */
function describe(message: unknown): string {
  if (message === null) return 'null';
  if (isPromise(message)) return 'a promise';
  if (typeof message !== 'string') return formatType(message);
  return message.trim() === ''
    ? 'a blank string'
    : `${message.length} characters`;
}

function isMessage(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_MESSAGE_LENGTH &&
    value.trim() !== ''
  );
}
