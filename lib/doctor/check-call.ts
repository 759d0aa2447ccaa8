import type { INestApplicationContext } from '@nestjs/common';
import { AuthKitException, formatFailure } from '../authkit.exception.js';
import type { AuthKitAction, AuthKitConnection } from '../authkit.types.js';
import { AuthKitConnectionsService } from '../connections/connections.service.js';
import { findAction } from '../passthrough/find-action.js';
import { AuthKitPassthroughService } from '../passthrough/passthrough.service.js';
import { sanitizeForLog } from '../warn-once.js';
import { ok, unchecked, wrong, type Finding, type Section } from './report.js';

/** A GET to a platform, for an identity. */
export interface CallSettings {
  readonly platform: string;
  /** The path of the platform's own API, with its query. */
  readonly path: string;
  readonly identity: string;
}

/**
 * Makes one GET to a platform with the connection of an identity, and says what
 * was found on the way. It prints nothing of the platform's response but the
 * status and the content type.
 *
 * @param app has the module, registered without retries
 */
export async function checkCall(
  app: INestApplicationContext,
  { platform, path, identity }: CallSettings,
  vendor: string,
): Promise<Section> {
  const [pathname = '', search] = path.split(/\?(.*)/s, 2);
  const passthrough = app.get(AuthKitPassthroughService);
  const findings: Finding[] = [];
  const section = { title: `GET ${pathname} of ${platform}`, findings };
  const owner = { identity };

  let connection: AuthKitConnection;
  try {
    connection = await app
      .get(AuthKitConnectionsService)
      .resolve(owner, { platform });
    findings.push(ok('Connection', `found: ${sanitizeForLog(connection.id)}`));
  } catch (error) {
    findings.push(describeConnection(failureOf(error), platform, vendor));
    return section;
  }

  let action: AuthKitAction;
  try {
    const actions = await passthrough.actions(platform, { identity: owner });
    action = findAction(actions, 'GET', pathname);
    findings.push(
      ok('Action', sanitizeForLog(`${action.title} (${action.systemId})`)),
    );
  } catch (error) {
    const failure = failureOf(error);
    const finding =
      failure.reason === 'invalid_argument'
        ? wrong(
            'Action',
            failure.message,
            `Check the path: it is that of the platform's own API, and ${vendor} calls it by an action with this path. In code, pass the action.`,
          )
        : describeFailure('Action', failure, vendor);
    findings.push(finding);
    return section;
  }

  try {
    const selector = { id: connection.id };
    const response = await passthrough.fetch(owner, selector, pathname, {
      action,
      query: new URLSearchParams(search),
    });
    await response.body?.cancel();
    findings.push(describeResponse(response, platform));
  } catch (error) {
    findings.push(describeFailure('Call', failureOf(error), vendor));
  }
  return section;
}

function describeConnection(
  failure: AuthKitException,
  platform: string,
  vendor: string,
): Finding {
  const name = 'Connection';
  switch (failure.reason) {
    case 'not_connected':
      return wrong(
        name,
        `not found: this identity has no active connection of ${platform}`,
        `Check --identity: it is that of the token, letter by letter. Check the platform: it is that of a connection, such as gmail. Otherwise the user has to connect ${platform}.`,
      );
    case 'reconnect_required':
      return wrong(
        name,
        `found, but it does not work any more`,
        `The user has to connect ${platform} again.`,
      );
    case 'ambiguous':
      return wrong(
        name,
        `several: this identity has more than one connection of ${platform}`,
        'In code, pass { id } of the one that the user chooses, or tags.',
      );
    default:
      return describeFailure(name, failure, vendor);
  }
}

/** A response of the platform: Pica's own failures are exceptions. */
function describeResponse(
  { status, headers }: Response,
  platform: string,
): Finding {
  const name = 'Call';
  const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
  const isShown = /^[\w.+-]+\/[\w.+-]+$/.test(type);
  const text = `status ${status}, from ${platform}${isShown ? `, ${type}` : ''}`;
  if (status < 300) return ok(name, text);
  if (status < 400) {
    return unchecked(name, `${text}: a redirect, which is not followed`);
  }
  return wrong(name, text, adviceFor(status, platform));
}

function adviceFor(status: number, platform: string): string {
  const whose = `It is ${platform}'s own error.`;
  switch (status) {
    case 401:
      return `${whose} It does not accept the credentials of the connection: the user may have to connect again.`;
    case 403:
      return `${whose} The user, or the scopes of the connection, do not allow this. Add the scope in the dashboard, and have the user connect again.`;
    case 404:
      return `${whose} Check the path and the ids in it.`;
    case 429:
      return `${whose} The user's limit there is reached: try later.`;
    default:
      return status >= 500
        ? `${whose} Try later.`
        : `${whose} Check the path and the query.`;
  }
}

/** A failure of the vendor or on the way to it. */
function describeFailure(
  name: string,
  failure: AuthKitException,
  vendor: string,
): Finding {
  const { reason, message } = failure;
  const text = formatFailure(failure);
  switch (reason) {
    case 'reconnect_required':
      return wrong(
        name,
        `${text}: ${vendor} does not find the credentials of the connection`,
        'The user has to connect again. The list of connections may still call it operational.',
      );
    case 'secret_rejected':
      return wrong(
        name,
        text,
        `It is ${vendor}'s error: the key may not make this call. Check the key, and that it is of the environment of the connection.`,
      );
    case 'timed_out':
      return wrong(name, text, 'Pass a longer --timeout, or try later.');
    case 'invalid_argument':
      return wrong(name, message, 'Check the platform and the path.');
    case 'unavailable':
      return wrong(name, text, `There is no response of ${vendor}: try later.`);
    default:
      return wrong(
        name,
        text,
        `It is ${vendor}'s error, not the platform's. Check the key, the plan and the action.`,
      );
  }
}

/** @throws what is no failure of a call: a defect of this command */
function failureOf(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  throw error;
}
