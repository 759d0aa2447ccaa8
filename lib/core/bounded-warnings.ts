import { performance } from 'node:perf_hooks';
import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { BoundedMap } from '../cache/bounded-map.js';

/** The maximum number of warnings in an hour. */
const MAX_WARNINGS = 20;
const WINDOW_MS = 3_600_000;
/** The maximum length of a value in a warning. */
const MAX_LENGTH = 100;
/** The maximum number of values that are remembered. The least recently seen are forgotten. */
const MAX_VALUES = 1_000;

/**
 * Logs warnings about values that come with a request: one for each distinct
 * value, and at most 20 an hour. Whoever sends the requests can neither fill
 * the log nor forge a line of it.
 */
export class BoundedWarnings {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly seen = new BoundedMap<true>(MAX_VALUES);
  private windowStart = -Infinity;
  private count = 0;

  /**
   * Warns of a value, unless it has been warned of.
   *
   * @param value tells one warning from another
   * @param message makes the line of the value as it may be logged: 100
   *   characters at most, without control characters
   */
  warn(value: string, message: (shown: string) => string): void {
    const shown = sanitizeForLog(value);
    if (this.seen.get(shown) || !this.tryCount()) return;
    this.seen.set(shown, true);
    this.logger.warn(message(shown));
  }

  private tryCount(): boolean {
    const now = performance.now();
    if (now - this.windowStart >= WINDOW_MS) {
      this.windowStart = now;
      this.count = 0;
    }
    if (this.count >= MAX_WARNINGS) return false;
    this.count += 1;
    return true;
  }
}

/** A value of a request as it may be logged: 100 characters at most, without control characters. */
export function sanitizeForLog(value: string): string {
  return value.slice(0, MAX_LENGTH).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
}

/** The value of an `Origin` header as it may be logged: scheme, host and port alone. */
export function formatOrigin(origin: string): string {
  if (origin === 'null') return origin;
  if (origin.length > 1_000 || !URL.canParse(origin))
    return 'an invalid origin';
  const url = new URL(origin);
  // The origin of `capacitor://localhost` is opaque: "null".
  return sanitizeForLog(
    url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin,
  );
}
