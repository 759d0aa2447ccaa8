import {
  Catch,
  Inject,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthKitException } from '../authkit.exception.js';

/** The maximum of `Retry-After` in seconds. */
const MAX_RETRY_AFTER = 3_600;

/** The default of `Retry-After` for a 429 in seconds. */
const DEFAULT_RETRY_AFTER = 1;

/**
 * Sends an {@link AuthKitException} in the form that the widget reads, whatever
 * filters the app has: a string `message` at the top, and `Retry-After` where known.
 *
 * @internal
 */
@Catch(AuthKitException)
export class AuthKitExceptionFilter implements ExceptionFilter<AuthKitException> {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  catch(exception: AuthKitException, host: ArgumentsHost): void {
    // The client has closed the connection.
    if (exception.reason === 'cancelled') return;

    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
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
    httpAdapter.reply(response, exception.getResponse(), exception.getStatus());
  }
}
