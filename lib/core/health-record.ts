import type {
  AuthKitErrorReason,
  AuthKitException,
} from '../authkit.exception.js';

/** ms for which a failure counts. Where nothing is called any more, nothing would ever show that Pica works again. */
const FAILURE_TTL_MS = 30_000;

/** What an operator can do nothing about, or what passes, says nothing about Pica. These are failures of Pica, or of its account. */
const SERVICE_FAILURES: readonly AuthKitErrorReason[] = [
  'unavailable',
  'timed_out',
  'malformed',
];

const ACCOUNT_FAILURES: readonly AuthKitErrorReason[] = [
  'secret_rejected',
  'quota_exceeded',
];

/** Failures after which Pica has given an answer all the same. */
const ANSWERED: readonly AuthKitErrorReason[] = [
  'not_found',
  'not_connected',
  'reconnect_required',
  'ambiguous',
];

/** What the last calls have shown. */
export interface HealthState {
  readonly isUp: boolean;
  /** ms since 1970 */
  readonly lastSuccessAt?: number;
  readonly lastFailure?: {
    /** ms since 1970 */
    readonly at: number;
    readonly failure: AuthKitException;
  };
}

/** Records what the requests of a registration show of Pica. */
export class HealthRecord {
  private lastSuccessAt?: number;
  private lastFailure?: HealthState['lastFailure'];
  /** How long the last failure counts, on the clock of `performance.now()`: the wall clock may be set back. */
  private failsUntil = -Infinity;

  /** @param hasManyAccounts whether the accounts differ: what Pica says of one then says nothing of the others */
  constructor(private readonly hasManyAccounts: boolean) {}

  succeeded(): void {
    this.lastSuccessAt = Date.now();
    this.failsUntil = -Infinity;
  }

  failed(failure: AuthKitException): void {
    const { reason, attempts } = failure;
    if (ANSWERED.includes(reason)) return this.succeeded();
    // Without an attempt that has failed, the failure is the app's own; but a timeout has ended one.
    const isOfCall = attempts !== undefined || reason === 'timed_out';
    const isFailure =
      SERVICE_FAILURES.includes(reason) ||
      (ACCOUNT_FAILURES.includes(reason) && !this.hasManyAccounts);
    if (!isOfCall || !isFailure) return;
    this.lastFailure = { at: Date.now(), failure };
    this.failsUntil = performance.now() + FAILURE_TTL_MS;
  }

  state(): HealthState {
    const { lastSuccessAt, lastFailure, failsUntil } = this;
    const isUp = failsUntil <= performance.now();
    return { isUp, lastSuccessAt, lastFailure };
  }
}
