import type { Answer } from './answer.js';
import { matchesPath, type Call } from './route.js';
import { ROUTES, SECRET_HEADERS } from './routes.js';
import { vendorError } from './vendor-errors.js';

/** What the vendor answers to a call, with no fault in between. */
export function answerTo(call: Call): Answer {
  const { account, request, correlationId, tooLarge } = call;
  const there = ROUTES[account.vendor].filter(({ path }) =>
    matchesPath(path, request.path),
  );
  if (there.length === 0) return vendorError(404, correlationId);
  const route = there.find(({ method }) => method === request.method);
  if (!route) {
    const allow = there.map(({ method }) => method).join(', ');
    return { ...vendorError(405, correlationId), headers: { allow } };
  }
  const key = request.headers[SECRET_HEADERS[account.vendor]];
  if (!route.isPublic && key !== account.secretKey) {
    return vendorError(401, correlationId);
  }
  if (tooLarge) return vendorError(413, correlationId);
  return route.answer(call);
}
