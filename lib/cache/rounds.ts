import {
  defer,
  finalize,
  from,
  of,
  shareReplay,
  tap,
  type Observable,
} from 'rxjs';
import { Deadline } from '../pica/deadline.js';

const LOOK = 'look';

/**
 * What callers that want the same at the same time do once for all of them: a
 * look into the store, and the calls for what it does not have.
 */
export class Round {
  /** That of the caller with the most time left: nobody fails at the end of another's. */
  readonly deadline = new Deadline(0);
  private readonly steps = new Map<string, Observable<unknown>>();
  private writing?: Promise<void>;
  private dropped?: unknown;

  /**
   * A step that is made once, and whose outcome all get. It stops where nobody
   * waits for it any more; after that, or a failure, the next caller makes it anew.
   */
  once<T>(step: string, start: () => Observable<T>): Observable<T> {
    const known = this.steps.get(step) as Observable<T> | undefined;
    if (known) return known;
    const shared = defer(start).pipe(
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    this.steps.set(step, shared);
    return shared;
  }

  /** What the store has: looked up once, and known better after {@link keep} and {@link drop}. */
  look<T>(read: () => Promise<T | undefined>): Observable<T | undefined> {
    return this.once(LOOK, () => from(read()));
  }

  /** Puts into the store what the first caller has found out. Nobody waits for it. */
  keep(value: unknown, write: () => Promise<void>): void {
    if (this.writing) return;
    this.writing = write();
    this.steps.set(LOOK, of(value));
  }

  /** Takes out of the store what a caller has found to be wrong. Nobody waits for it. */
  drop(value: unknown, remove: () => Promise<void>): void {
    if (this.dropped === value) return;
    this.dropped = value;
    void remove();
    this.writing = undefined;
    this.steps.set(LOOK, of(undefined));
  }

  /** When the store knows what this round knows. Never rejects. */
  async settled(): Promise<void> {
    await this.writing;
  }
}

/** The rounds that are on, one for each key of the store. */
export class Rounds {
  private readonly running = new Map<
    string,
    { readonly round: Round; size: number; hasResult: boolean }
  >();

  /**
   * Runs a task in the round of a key: in the one that is on, or a new one. A
   * round is closed to newcomers once a caller has its result and the store
   * has it too, or once all callers have gone.
   */
  join<T>(
    key: string,
    deadline: Deadline,
    task: (round: Round) => Observable<T>,
  ): Observable<T> {
    return defer(() => {
      const entry = this.running.get(key) ?? {
        round: new Round(),
        size: 0,
        hasResult: false,
      };
      this.running.set(key, entry);
      const close = () => {
        if (this.running.get(key) === entry) this.running.delete(key);
      };
      const { round } = entry;
      entry.size += 1;
      round.deadline.extendTo(deadline);
      return task(round).pipe(
        tap(() => {
          entry.hasResult = true;
          void round.settled().then(close);
        }),
        finalize(() => {
          entry.size -= 1;
          // With a result, it is the store's turn to close it.
          if (entry.size === 0 && !entry.hasResult) close();
        }),
      );
    });
  }
}
