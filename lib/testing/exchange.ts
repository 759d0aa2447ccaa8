import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
// Not the global ones: a test with fake timers would stop the emulator.
import { setImmediate, setTimeout } from 'node:timers/promises';
import { encode, type Answer } from './answer.js';
import { describeRequest, type EmulatorRequest } from './emulator-request.js';
import { LONGEST } from './mistake.js';

/** One request and the ways to answer it, or not to. All that waits in here ends when the client goes away. */
export class Exchange {
  readonly request: EmulatorRequest;
  private readonly ended = new AbortController();

  constructor(
    readonly incoming: IncomingMessage,
    private readonly response: ServerResponse,
    readonly correlationId: string,
  ) {
    this.request = describeRequest(incoming);
    response.on('error', () => {}); // what is written after the client went away
    response.once('close', () => {
      if (!response.writableFinished && !this.isOver) {
        this.request.aborted = true;
      }
      this.ended.abort();
    });
  }

  /** Whether there is nobody left to answer. */
  get isOver(): boolean {
    return this.ended.signal.aborted;
  }

  /** @throws {Error} where the client goes away meanwhile */
  async wait(milliseconds: number): Promise<void> {
    if (milliseconds === 0) return;
    const { signal } = this.ended;
    await setTimeout(Math.min(milliseconds, LONGEST), undefined, { signal });
  }

  send(answer: Answer): void {
    const body = encode(answer.body);
    this.writeHead(answer, body.length);
    this.response.end(body);
  }

  /** Promises the whole body, sends `length` bytes of it (default: half) and ends the connection. */
  cutOff(answer: Answer, length?: number): void {
    const body = encode(answer.body);
    const promised = Math.max(body.length, 1);
    this.writeHead(answer, promised);
    this.response.flushHeaders();
    const sent = Math.min(length ?? promised >> 1, promised - 1);
    this.response.write(body.subarray(0, sent));
    this.ended.abort();
    this.incoming.socket.destroySoon();
  }

  /** Sends the body `bytes` at a time. */
  async trickle(
    answer: Answer,
    { bytes, every }: { bytes: number; every: number },
  ): Promise<void> {
    const body = encode(answer.body);
    this.writeHead(answer, body.length);
    this.response.flushHeaders();
    for (let sent = 0; sent < body.length && !this.isOver; sent += bytes) {
      if (sent > 0) await this.wait(every);
      this.response.write(body.subarray(sent, sent + bytes));
    }
    this.response.end();
  }

  /** Sends the body, then `more` of it for ever, as fast as the client takes it. */
  async endless(answer: Answer, more: Buffer): Promise<void> {
    const { signal } = this.ended;
    this.writeHead(answer);
    this.response.write(encode(answer.body));
    while (!this.isOver) {
      const takesMore = this.response.write(more);
      await (takesMore
        ? setImmediate(undefined, { signal })
        : once(this.response, 'drain', { signal }));
    }
  }

  /** Resets the connection. */
  reset(): void {
    this.ended.abort();
    this.incoming.socket.resetAndDestroy();
  }

  /** Ends the connection, which is not the client's doing. */
  hangUp(): void {
    this.ended.abort();
    this.incoming.socket.destroy();
  }

  private writeHead({ status, headers = {} }: Answer, length?: number): void {
    const { response } = this;
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('X-One-Correlation-Id', this.correlationId);
    const hasBody = status >= 200 && status !== 204 && status !== 304;
    if (hasBody && length !== undefined) {
      response.setHeader('Content-Length', length);
    }
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    this.request.status = status;
  }
}
