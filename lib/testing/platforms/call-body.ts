import type { IncomingMessage } from 'node:http';

/** The largest body that a handler may have as a whole, in bytes. */
const MAX_WHOLE_BODY = 10 * 1024 * 1024;
/** What the log keeps of a body, in bytes. */
const MAX_LOGGED = 64 * 1024;

/** The body of a call to a platform: it streams, and a small one is read at once, so that the log has it. */
export class CallBody {
  private readonly start: Buffer[] = [];
  private size = 0;

  /** @param isWhole whether it has been read already */
  private constructor(
    private readonly source: AsyncIterable<Buffer>,
    readonly isWhole = false,
  ) {}

  /** Reads a body whose announced length is at most 64 kB. */
  static async open(incoming: IncomingMessage): Promise<CallBody> {
    const length = Number(incoming.headers['content-length'] ?? NaN);
    const body = new CallBody(incoming);
    if (!(length <= MAX_LOGGED)) return body;
    const bytes = await body.bytes();
    const whole = new CallBody(once(bytes), true);
    whole.start.push(bytes);
    return whole;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for await (const chunk of this.source) {
      if (!this.isWhole && this.size < MAX_LOGGED) {
        this.start.push(chunk.subarray(0, MAX_LOGGED - this.size));
      }
      this.size += chunk.length;
      yield chunk;
    }
  }

  /** The beginning of what has been read, as text. */
  get logged(): string {
    return Buffer.concat(this.start).subarray(0, MAX_LOGGED).toString();
  }

  /** @throws {Error} beyond 10 MB */
  async bytes(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_WHOLE_BODY) {
        throw new Error(
          'the body has more than 10 MB; read it with `for await (const chunk of request.body)`.',
        );
      }
    }
    return Buffer.concat(chunks);
  }
}

// An async iterable, as a stream is one.
async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
