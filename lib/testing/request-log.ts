import type { EmulatorRequest } from './emulator-request.js';

/** The requests that are kept. */
const MAX_REQUESTS = 50_000;
/** The bodies that are kept, in characters of all together. */
const MAX_BODIES = 16 * 1024 * 1024;

/** The log of requests. It is bounded: the oldest requests go, and before them the oldest bodies. */
export class RequestLog {
  readonly requests: EmulatorRequest[] = [];
  private readonly bodies: { request: EmulatorRequest; length: number }[] = [];
  private bodiesLength = 0;

  add(request: EmulatorRequest): void {
    this.requests.push(request);
    if (this.requests.length > MAX_REQUESTS) this.requests.shift();
  }

  /** @param length the length of its text */
  keepBody(request: EmulatorRequest, body: unknown, length: number): void {
    request.body = body;
    if (length === 0) return;
    this.bodies.push({ request, length });
    this.bodiesLength += length;
    while (this.bodiesLength > MAX_BODIES) {
      const oldest = this.bodies.shift()!;
      oldest.request.body = undefined;
      this.bodiesLength -= oldest.length;
    }
  }
}
