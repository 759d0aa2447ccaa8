/** The key by which a route passes its {@link RequestTiming} with the options of a call. @internal */
export const REQUEST_TIMING = Symbol.for('nestjs-pica-authkit:request-timing');

/** When a request fails as `timed_out`. Calls with the same timing share one deadline. */
export interface RequestTiming {
  /** When the deadline began, on the clock of `performance.now()`. Default: now */
  readonly startedAt?: number;
  /** Time beyond the `timeout` option, in ms. Default: 0 */
  readonly extraTime?: number;
}
