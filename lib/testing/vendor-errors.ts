import { STATUS_CODES } from 'node:http';
import type { Answer } from './answer.js';

/** The error types of the service, by status: name, number and key. */
const TYPES: Readonly<
  Record<number, readonly [type: string, code: number, key: string]>
> = {
  400: ['BadRequest', 2000, 'application::bad_request'],
  401: ['Unauthorized', 2010, 'application::unauthorized'],
  403: ['Forbidden', 2002, 'application::forbidden'],
  405: ['MethodNotAllowed', 2004, 'application::method_not_allowed'],
  409: ['Conflict', 2001, 'application::conflict'],
  422: ['UnprocessableEntity', 2011, 'application::unprocessable_entity'],
  429: ['TooManyRequests', 2009, 'application::too_many_requests'],
  500: ['InternalServerError', 2003, 'application::internal_server_error'],
  502: ['ConnectionError', 1003, 'internal::connection_error'],
  503: ['ServiceUnavailable', 2008, 'application::service_unavailable'],
  504: ['Timeout', 1002, 'internal::timeout'],
};

const MESSAGES: Readonly<Record<number, string>> = {
  401: 'You are not authorized to access this resource',
  402: 'The quota of your plan is used up',
  403: 'You do not have access to this resource',
  404: 'Not found',
  429: 'Rate limit exceeded',
};

/**
 * What the vendor answers with a status that is no success. Seen of the real
 * service: 401 and 404. The others follow the error types of its open source,
 * and where that has none (402, 413) the shape of 404 is a guess.
 */
export function vendorError(
  status: number,
  correlationId: string,
  message = MESSAGES[status] ?? STATUS_CODES[status] ?? 'Unknown error',
): Answer {
  const known = TYPES[status];
  if (!known) {
    const body = {
      correlationId,
      key: 'error',
      message,
      type: 'error',
      status,
    };
    return { status, body };
  }
  const [type, code, key] = known;
  return {
    status,
    body: { type, code, status, key: `err::${key}`, message, meta: null },
  };
}
