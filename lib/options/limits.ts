/** What one request may take. Constants, except in tests. */
export interface Limits {
  /** Rows of a page of a token. */
  readonly pageSize: number;
  /** Pages of one token that are fetched in parallel. */
  readonly concurrency: number;
  /** A response that announces more pages is invalid. */
  readonly maxPages: number;
  /** Bytes that all pending requests of a registration hold. */
  readonly maxBytesInFlight: number;
}

export const DEFAULT_LIMITS: Limits = {
  // The maximum of the service.
  pageSize: 150,
  // 1,500 integrations in one round trip, six times the usual account.
  concurrency: 10,
  // 15,000 integrations: a response with more is broken.
  maxPages: 100,
  // 64 bodies of the maximum size, in a process that usually has 512 MB or more.
  maxBytesInFlight: 256 * 1024 * 1024,
};

/** The key of the limits, in the options of a test and in the resolved options. @internal */
export const LIMITS: unique symbol = Symbol.for('nestjs-pica-authkit:limits');
