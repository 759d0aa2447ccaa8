import { tracingChannel } from 'node:diagnostics_channel';
import type { AuthKitTraceContext } from '../../lib/index.js';
import { afterTest } from './cleanup.js';

export interface TracedEvent {
  readonly channel: string;
  readonly event: string;
  /** The context as it was, copied. */
  readonly context: AuthKitTraceContext;
  /** The context itself, the same for all events of an operation. */
  readonly original: object;
}

/** Records the events of the module's tracing channels until the current test ends, in a list that grows. */
export function traceEvents(
  channels: readonly string[] = ['token', 'connections', 'upstream'],
): TracedEvent[] {
  const events: TracedEvent[] = [];
  for (const channel of channels) {
    const traced = tracingChannel(`nestjs-pica-authkit:${channel}`);
    const record = (event: string) => (context: object) =>
      void events.push({
        channel,
        event,
        context: { ...context } as AuthKitTraceContext,
        original: context,
      });
    const subscribers = {
      start: record('start'),
      end: record('end'),
      asyncStart: () => {},
      asyncEnd: record('asyncEnd'),
      error: record('error'),
    };
    traced.subscribe(subscribers);
    afterTest(() => traced.unsubscribe(subscribers));
  }
  return events;
}
