import {
  Catch,
  Inject,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthKitException } from '../pica/authkit.exception.js';

/** Seconds, for a 429 that does not say. */
const DEFAULT_RETRY_AFTER = 1;

/**
 * Answers an {@link AuthKitException} as the widget can read it, whatever
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
    // Nobody is there to read it.
    if (exception.reason === 'cancelled') return;

    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    // Somebody else has, a timeout of the app's, say.
    if (httpAdapter.isHeadersSent(response)) return;

    const { reason } = exception;
    const retryAfter =
      exception.retryAfter ??
      (reason === 'rate_limited' ? DEFAULT_RETRY_AFTER : undefined);
    if (retryAfter !== undefined) {
      httpAdapter.setHeader(response, 'Retry-After', String(retryAfter));
    }
    httpAdapter.reply(response, exception.getResponse(), exception.getStatus());
  }
}
