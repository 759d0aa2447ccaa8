import {
  defer,
  finalize,
  from,
  of,
  shareReplay,
  tap,
  type Observable,
} from 'rxjs';
import { Deadline } from '../pica/request-context.js';

const LOOKUP = 'lookup';

/** What concurrent callers of one key do once for all of them: a lookup in the store, and the calls for what it does not have. */
export class Flight {
  /** That of the caller with the most time left: nobody fails at the end of another's. */
  readonly deadline = new Deadline(0);
  private readonly steps = new Map<string, Observable<unknown>>();
  private writing?: Promise<void>;
  private invalidated?: unknown;

  /**
   * Runs a step once and shares its outcome. The step stops when no caller
   * waits for it. After that, or after a failure, the next caller runs it anew.
   */
  share<T>(step: string, start: () => Observable<T>): Observable<T> {
    const known = this.steps.get(step) as Observable<T> | undefined;
    if (known) return known;
    const shared = defer(start).pipe(
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    this.steps.set(step, shared);
    return shared;
  }

  /** Returns what the store has. It is read once; {@link store} and {@link invalidate} replace it. */
  lookup<T>(read: () => Promise<T | undefined>): Observable<T | undefined> {
    return this.share(LOOKUP, () => from(read()));
  }

  /** Writes the first caller's value into the store. No caller waits for it. */
  store(value: unknown, write: () => Promise<void>): void {
    if (this.writing) return;
    this.writing = write();
    this.steps.set(LOOKUP, of(value));
  }

  /** Removes an outdated value from the store. No caller waits for it. */
  invalidate(value: unknown, remove: () => Promise<void>): void {
    if (this.invalidated === value) return;
    this.invalidated = value;
    void remove();
    this.writing = undefined;
    this.steps.set(LOOKUP, of(undefined));
  }

  /** Resolves once the store has the value. Never rejects. */
  async flushed(): Promise<void> {
    await this.writing;
  }
}

/** One {@link Flight} for each key of the store. */
export class SingleFlight {
  private readonly running = new Map<
    string,
    { readonly flight: Flight; callers: number; hasResult: boolean }
  >();

  /**
   * Runs a task in the flight of a key: the running one, or a new one. A flight
   * takes no further callers once one has its result and the store has it too,
   * or once all callers have left.
   */
  run<T>(
    key: string,
    deadline: Deadline,
    task: (flight: Flight) => Observable<T>,
  ): Observable<T> {
    return defer(() => {
      const entry = this.running.get(key) ?? {
        flight: new Flight(),
        callers: 0,
        hasResult: false,
      };
      this.running.set(key, entry);
      const close = () => {
        if (this.running.get(key) === entry) this.running.delete(key);
      };
      const { flight } = entry;
      entry.callers += 1;
      flight.deadline.extendTo(deadline);
      return task(flight).pipe(
        tap(() => {
          entry.hasResult = true;
          void flight.flushed().then(close);
        }),
        finalize(() => {
          entry.callers -= 1;
          // With a result, the flight closes once the store has it.
          if (entry.callers === 0 && !entry.hasResult) close();
        }),
      );
    });
  }
}
