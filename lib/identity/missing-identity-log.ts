import type { ExecutionContext } from '@nestjs/common';
import { AuthKitException } from '../authkit.exception.js';
import { createWarnOnce, sanitizeForLog } from '../warn-once.js';
import {
  describeExtractor,
  type IdentityExtractor,
} from './extract-identity.js';
import { getRoutePath } from './get-request.js';

/** The properties of a request where guards put a user if not in `request.user`. */
const OTHER_PLACES = ['account', 'auth', 'currentUser', 'session'];

type DescribedRequest = Readonly<Record<string, unknown>>;

/**
 * Warns of requests that the guards of the app have let pass, and that have no
 * usable identity: the most likely error of a first day. It names properties
 * of the request, never values.
 */
export class MissingIdentityLog {
  private readonly warnOnce = createWarnOnce();

  /** @param error what the guard refuses the request with */
  warn(
    error: unknown,
    extracted: unknown,
    extract: IdentityExtractor,
    request: object,
    context: ExecutionContext,
  ): void {
    if (!(error instanceof AuthKitException)) return;
    const { method = '' } = request as { method?: string };
    const path = getRoutePath(request);
    const route =
      path === undefined
        ? `${context.getClass().name}.${context.getHandler().name}()`
        : `${method} ${path}`;
    if (error.reason === 'invalid_identity') {
      if (isText(extracted)) return;
      const text = `${route}: the identity is invalid (400): ${error.message}`;
      return this.warnOnce(text, `${text} (Logged once.)`);
    }
    const reads = describeExtractor(extract);
    const [found, advice] = diagnose(request as DescribedRequest, reads);
    this.warnOnce(
      `${route} ${found}`,
      `${route}: the guards have let the request pass, but it has no identity (401). ` +
        `The identity option reads ${reads}; ${found}. ${advice} (Logged once.)`,
    );
  }
}

/** Whether an extractor has returned strings: then it is the caller's value that is wrong. */
function isText(extracted: unknown): boolean {
  if (typeof extracted === 'string') return true;
  const { identity, tenant } = (extracted ?? {}) as Record<string, unknown>;
  return typeof identity === 'string' && typeof (tenant ?? '') === 'string';
}

/** What the request has, and what to do about it. */
function diagnose(
  request: DescribedRequest,
  reads: string,
): [found: string, advice: string] {
  const { user } = request;
  let found = `request.user is a ${typeof user}`;
  let advice = 'Return it: identity: (request) => String(request.user).';
  if (user === undefined || user === null) {
    found = 'no guard has set request.user';
    advice =
      'Add the guard that authenticates the user: controller: { guards: [JwtAuthGuard] }, or before AuthKitIdentityGuard in @UseGuards().';
    const other = OTHER_PLACES.find((name) => isObject(request[name]));
    if (other !== undefined) {
      const id = `request.${other}.${idNameOf(request[other] as object)}`;
      found += `, but there is request.${other}`;
      advice += ` Or, if request.${other} holds the user, read it: identity: (request) => ${id}.`;
    }
  } else if (isObject(user)) {
    const names = Object.keys(user).sort().slice(0, 20).join(', ');
    found = `request.user has ${names === '' ? 'no properties' : `the properties ${sanitizeForLog(names)}`}`;
    advice = reads.includes(' and request.user.')
      ? "Name the properties that hold the ids of the user and of the tenant: identity: ExtractIdentity.fromUser('property', 'user', { tenant: 'property' })."
      : `Name the property that holds the id: identity: ExtractIdentity.fromUser('${idNameOf(user, reads)}').`;
  }
  return reads.includes('request.user')
    ? [found, advice]
    : [
        found,
        'If the caller is known, return the id; if not, refuse the request in a guard.',
      ];
}

/** The property that most likely holds the id of a user, apart from those that are read. */
function idNameOf(value: object, reads = ''): string {
  const names = Object.keys(value).filter(
    (name) => !reads.includes(`.${name}`),
  );
  const name =
    names.find((each) => /^user_?id$/i.test(each)) ??
    names.find((each) => /^(?:_id|id|sub|uu?id)$/i.test(each)) ??
    names.find((each) => /id$/i.test(each)) ??
    'property';
  return sanitizeForLog(name);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
