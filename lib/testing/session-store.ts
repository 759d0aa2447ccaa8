/** More than any widget has open at once, and few enough for a load test of days. */
const MAX_SESSIONS = 10_000;

/** Sessions by their ids. The oldest are dropped beyond 10,000. */
export class SessionStore<Session> {
  private readonly sessions = new Map<string, Session>();

  set(id: string | number | null, session: Session): void {
    const name = String(id);
    // Deleted first, so that the newest is the last.
    this.sessions.delete(name);
    this.sessions.set(name, session);
    if (this.sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.sessions.keys();
    this.sessions.delete(oldest!);
  }

  /** `undefined` for an unknown id. */
  get(id: unknown): Session | undefined {
    return this.sessions.get(String(id));
  }

  clear(): void {
    this.sessions.clear();
  }
}
