import { fieldsOf, type EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import type { EmulatorFault } from '../faults.js';
import type { PicaEmulator } from '../pica-emulator.js';
import type { Service } from '../service.js';
import type { NamedFaults } from './named-faults.js';

/** The requests that the API lists. */
const LISTED_REQUESTS = 200;
/** The characters of a body that the API lists. */
const LISTED_BODY = 2000;

/** What the API below `/emulator/` reads and changes. */
export interface Controls {
  readonly emulator: PicaEmulator;
  readonly service: Service;
  readonly faults: NamedFaults;
}

type Handler = (
  controls: Controls,
  /** The decoded parts of the path that the pattern has in brackets. */
  parts: readonly string[],
  body: unknown,
) => EmulatorResponse;

const ok = (body: unknown, status = 200) => ({ status, body });
const DONE = { status: 204, body: undefined };

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^state$/, (controls) => ok(stateOf(controls))],
  [
    'GET',
    /^requests$/,
    ({ emulator }) => ok({ requests: requestsOf(emulator) }),
  ],
  [
    'POST',
    /^connections$/,
    ({ emulator }, _parts, body) => {
      const { identity, identityType, platform, ...details } =
        fieldsOf(body) ?? {};
      const owner = { identity, identityType } as { identity?: string };
      return ok(emulator.connect(owner, platform as string, details), 201);
    },
  ],
  [
    'POST',
    /^connections\/([^/]+)\/break$/,
    ({ emulator }, [id], body) => {
      const silently = fieldsOf(body)?.silently === true;
      return ok(emulator.breakConnection(id!, { silently }));
    },
  ],
  [
    'POST',
    /^connections\/([^/]+)\/repair$/,
    ({ emulator }, [id]) => ok(emulator.repairConnection(id!)),
  ],
  [
    'DELETE',
    /^connections\/([^/]+)$/,
    ({ service }, [id]) => {
      const owner = service.ownerOf(id!);
      return owner?.connections.delete(id!) ? DONE : notFound();
    },
  ],
  [
    'PUT',
    /^faults\/([\w-]{1,40})$/,
    ({ faults }, [name], body) => {
      const fault = fieldsOf(body) as EmulatorFault | undefined;
      faults.set(name!, fault);
      return ok({ faults: faults.list() });
    },
  ],
  [
    'DELETE',
    /^faults\/([\w-]{1,40})$/,
    ({ faults }, [name]) => {
      faults.delete(name!);
      return DONE;
    },
  ],
  [
    'DELETE',
    /^faults$/,
    ({ faults }) => {
      faults.clear();
      return DONE;
    },
  ],
  [
    'POST',
    /^reset$/,
    ({ emulator }) => {
      emulator.reset();
      return DONE;
    },
  ],
];

/** The API below `/emulator/`, for the page and for tests in other languages. */
export function handleApiRequest(
  controls: Controls,
  { method, path, body }: EmulatorRequest,
): EmulatorResponse {
  const rest = path.slice('/emulator/'.length);
  for (const [wanted, pattern, handle] of ROUTES) {
    const found = wanted === method && pattern.exec(rest);
    if (!found) continue;
    try {
      return handle(controls, found.slice(1).map(decodeURIComponent), body);
    } catch (error) {
      return { status: 400, body: { message: (error as Error).message } };
    }
  }
  return notFound();
}

function notFound(): EmulatorResponse {
  return { status: 404, body: { message: 'There is no such thing.' } };
}

function stateOf({ emulator, service, faults }: Controls) {
  const { accounts, profile } = service;
  return {
    vendor: emulator.vendor,
    displayName: profile.displayName,
    opener: profile.widget.opener,
    accounts: accounts.map(({ environment }, index) => ({
      number: index + 1,
      environment,
    })),
    connections: accounts.flatMap(({ connections }, index) =>
      connections.all().map((each) => ({
        ...each,
        account: index + 1,
        works: connections.isUsable(each.id),
      })),
    ),
    faults: faults.list(),
    requests: requestsOf(emulator),
  };
}

/** The last requests, the newest first. Without headers: they have the secret key. */
function requestsOf({ requests }: PicaEmulator) {
  return requests
    .slice(-LISTED_REQUESTS)
    .reverse()
    .map((request) => ({
      ...request,
      headers: undefined,
      body: request.body === undefined ? undefined : shorten(request.body),
    }));
}

function shorten(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text.slice(0, LISTED_BODY);
}
