import type { EmulatorRequest } from './emulator-request.js';
import type { EmulatorFault, EmulatorFaultHandle } from './fault.js';
import { matchesPath } from './route.js';

/** The faults at work, in the order in which they were made. */
export class FaultList {
  private live: LiveFault[] = [];

  add(fault: EmulatorFault): EmulatorFaultHandle {
    const added = new LiveFault(fault);
    this.live.push(added);
    return {
      get hits() {
        return added.hits;
      },
      remove: () => {
        this.live = this.live.filter((other) => other !== added);
      },
    };
  }

  clear(): void {
    this.live = [];
  }

  /** The fault that strikes this request: the first that matches and is not spent. */
  take(request: EmulatorRequest): EmulatorFault | undefined {
    return this.live.find((fault) => fault.strikes(request))?.fault;
  }
}

class LiveFault {
  hits = 0;
  private passed = 0;

  constructor(readonly fault: EmulatorFault) {}

  /** Counts the request, if it matches. */
  strikes(request: EmulatorRequest): boolean {
    const { skip = 0, times = Infinity } = this.fault;
    if (this.hits >= times || !matches(this.fault, request)) return false;
    if (this.passed < skip) {
      this.passed += 1;
      return false;
    }
    this.hits += 1;
    return true;
  }
}

function matches(fault: EmulatorFault, request: EmulatorRequest): boolean {
  const { path, method, page, identity, when } = fault;
  return (
    (path === undefined || matchesPath(path, request.path)) &&
    (method === undefined || method.toUpperCase() === request.method) &&
    (page === undefined || page === pageOf(request)) &&
    (identity === undefined || identity === identityOf(request)) &&
    (when === undefined || when(request))
  );
}

function pageOf({ method, query }: EmulatorRequest): number | undefined {
  return method === 'POST' ? Number(query.page ?? 1) : undefined;
}

function identityOf({ body }: EmulatorRequest): unknown {
  return typeof body === 'object' && body !== null && 'identity' in body
    ? body.identity
    : undefined;
}
