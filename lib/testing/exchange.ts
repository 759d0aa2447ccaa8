import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
// Not the global ones: a test with fake timers would stop the emulator.
import { setTimeout } from 'node:timers/promises';
import { MAX_TIMEOUT_MS } from './check-argument.js';
import { describeRequest, type EmulatorRequest } from './emulator-request.js';
import {
  encodeBody,
  isStream,
  problemOf,
  type EmulatorResponse,
} from './emulator-response.js';

/** A request and the ways to respond to it. All waits end when the client closes the connection, and keep no process alive. */
export class Exchange {
  readonly request: EmulatorRequest;
  private readonly closed = new AbortController();

  constructor(
    readonly incoming: IncomingMessage,
    private readonly response: ServerResponse,
    readonly correlationId: string,
  ) {
    this.request = describeRequest(incoming);
    response.on('error', () => {}); // of writes after the client has closed the connection
    response.once('close', () => {
      if (!response.writableFinished && !this.isClosed) {
        this.request.aborted = true;
        this.request.problem ??= 'The client closed the connection';
      }
      this.request.durationMs = Date.now() - this.request.startedAt;
      this.closed.abort();
    });
  }

  /** Whether the connection is closed, by either side. */
  get isClosed(): boolean {
    return this.closed.signal.aborted;
  }

  /** Aborts when the connection is closed, by either side. */
  get signal(): AbortSignal {
    return this.closed.signal;
  }

  /** @throws {Error} if the client closes the connection meanwhile */
  async wait(ms: number): Promise<void> {
    if (ms === 0) return;
    const { signal } = this.closed;
    const options = { signal, ref: false };
    await setTimeout(Math.min(ms, MAX_TIMEOUT_MS), undefined, options);
  }

  async send(response: EmulatorResponse): Promise<void> {
    if (isStream(response.body)) return this.stream(response, response.body);
    const body = encodeBody(response.body);
    this.writeHead(response, body.length);
    this.response.end(body);
  }

  /** Sends a body as fast as the client reads it. If the body fails, the connection ends. */
  private async stream(
    response: EmulatorResponse,
    body: AsyncIterable<Uint8Array> & { destroy?: () => void },
  ): Promise<void> {
    const { signal } = this;
    // It may wait for something that never comes.
    signal.addEventListener('abort', () => body.destroy?.());
    this.writeHead(response);
    this.response.flushHeaders();
    try {
      for await (const chunk of body) {
        if (this.isClosed) return;
        if (this.response.write(chunk)) continue;
        await once(this.response, 'drain', { signal });
      }
      this.response.end();
    } catch (error) {
      if (this.isClosed) return;
      this.request.problem = `The body ended early: ${String(error)}`;
      this.destroy();
    }
  }

  /** Announces the whole body, sends `length` bytes of it (default: half) and ends the connection. */
  truncate(response: EmulatorResponse, length?: number): void {
    const body = encodeBody(response.body);
    const announced = Math.max(body.length, 1);
    this.writeHead(response, announced);
    this.response.flushHeaders();
    const sent = Math.min(length ?? announced >> 1, announced - 1);
    this.response.write(body.subarray(0, sent));
    this.closed.abort();
    this.incoming.socket.destroySoon();
  }

  /** Sends the body `bytes` at a time, `every` so many ms. */
  async trickle(
    response: EmulatorResponse,
    { bytes, every }: { bytes: number; every: number },
  ): Promise<void> {
    const body = encodeBody(response.body);
    this.writeHead(response, body.length);
    this.response.flushHeaders();
    for (let sent = 0; sent < body.length && !this.isClosed; sent += bytes) {
      if (sent > 0) await this.wait(every);
      this.response.write(body.subarray(sent, sent + bytes));
    }
    this.response.end();
  }

  /** Sends the body, then `more` again and again, as fast as the client reads it. */
  async endless(response: EmulatorResponse, more: Buffer): Promise<void> {
    const { signal } = this.closed;
    this.writeHead(response);
    this.response.write(encodeBody(response.body));
    while (!this.isClosed) {
      if (this.response.write(more)) await this.wait(1);
      else await once(this.response, 'drain', { signal });
    }
  }

  /** Resets the connection. */
  reset(): void {
    this.closed.abort();
    this.incoming.socket.resetAndDestroy();
  }

  /** Closes the connection. The log does not count it as aborted by the client. */
  destroy(): void {
    this.closed.abort();
    this.incoming.socket.destroy();
  }

  private writeHead(
    { status, headers = {}, body, problem }: EmulatorResponse,
    length?: number,
  ): void {
    const { response } = this;
    response.statusCode = status;
    if (body !== undefined) {
      response.setHeader('Content-Type', 'application/json');
    }
    response.setHeader('X-One-Correlation-Id', this.correlationId);
    const mayHaveBody = status >= 200 && status !== 204 && status !== 304;
    if (mayHaveBody && length !== undefined) {
      response.setHeader('Content-Length', length);
    }
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    this.request.status = status;
    this.request.problem ??= problemOf({ status, body, problem });
  }
}
