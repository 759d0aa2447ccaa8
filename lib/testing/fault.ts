import type { EmulatorRequest } from './emulator-request.js';

/**
 * Something that goes wrong: which requests it strikes, and what happens to
 * them. All conditions have to hold; without any it strikes every request of the API.
 * There has to be at least one effect.
 *
 * @example
 * ```ts
 * pica.fault({ path: '/v1/authkit', page: 2, times: 1, status: 503 });
 * pica.fault({ identity: 'ada', reset: true });
 * pica.fault({ status: 429, headers: { 'retry-after': '30' } });
 * pica.fault({ path: /authkit/, transform: (answer) => ({ ...answer, pages: 1e9 }) });
 * ```
 *
 * @publicApi
 */
export interface EmulatorFault {
  /** The whole path (`/v1/authkit`, without the query), or a pattern that is found in it. */
  path?: string | RegExp;
  /** The method, in any case. */
  method?: string;
  /** The page that a `POST` asks for; one that names none asks for page 1. */
  page?: number;
  /** The `identity` in the body. */
  identity?: string;
  /** A condition of your own. It sees every request that meets the others, and has to answer at once. */
  when?: (request: EmulatorRequest) => boolean;
  /** How many requests are struck. Default: all of them, until the fault is removed */
  times?: number;
  /** How many of the requests that match pass unharmed before the first is struck. Default: 0 */
  skip?: number;

  /**
   * The status of the answer, 100 to 599. With 200 to 299 the answer is the
   * real one unless there is a `body`, with others it is the vendor's error
   * for that status.
   */
  status?: number;
  /** Further headers of the answer, or others instead of its own: also a `content-type`, or a `content-length` that lies. */
  headers?: Record<string, string | string[]>;
  /**
   * The body of the answer: an object is sent as JSON, a string or a Buffer as
   * it is. Either is called `application/json` unless `headers` say otherwise.
   */
  body?: unknown;
  /**
   * Changes the real answer, if that is a success. It gets a copy, and returns
   * the new body; where it returns nothing, the copy is sent as it is then.
   */
  // The answer is what the path says, and what a fault makes of it is anything.
  // oxlint-disable-next-line typescript/no-explicit-any
  transform?: (answer: any) => unknown;
  /** Milliseconds before the answer, or before what happens instead, on top of `latency`. */
  delay?: number;
  /** The connection is reset (RST): the client sees ECONNRESET. */
  reset?: true;
  /** There is never an answer. */
  hang?: true;
  /**
   * The answer breaks off: its `Content-Length` promises the whole of it, then
   * the connection ends after that many bytes of the body, or after half of it.
   */
  cutOff?: true | number;
  /** The answer is JSON by its `Content-Type`, and broken: its second half is missing, with a `Content-Length` that fits. */
  malformed?: true;
  /** The body comes slowly: that many `bytes` at a time, `every` so many milliseconds. */
  trickle?: { bytes: number; every: number };
  /** The answer is a list of rows that never ends. No more of it is made than the client takes. */
  endless?: true;
}

/**
 * A fault at work, as `pica.fault()` returns it.
 *
 * @publicApi
 */
export interface EmulatorFaultHandle {
  /** How many requests it has struck. */
  readonly hits: number;
  /** Ends it; requests that it has struck already stay struck. */
  remove(): void;
}
