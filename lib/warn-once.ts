import { performance } from 'node:perf_hooks';
import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from './authkit.constants.js';
import { BoundedMap } from './bounded-map.js';

const HOUR_MS = 3_600_000;
/** The maximum number of warnings in an hour. */
const MAX_WARNINGS = 20;
/** The maximum number of keys that are remembered. The least recently seen are forgotten. */
const MAX_KEYS = 1_000;
/** The maximum length of a value in a warning. */
const MAX_LENGTH = 100;

/** Logs a warning, unless the key has been warned of. */
export type WarnOnce = (key: string, text: string) => void;

/**
 * Creates a {@link WarnOnce} with keys of its own, of which 100 characters count.
 * It logs at most 20 warnings an hour, so whoever sends the requests cannot fill
 * the log. A text that quotes a request does so by {@link sanitizeForLog}.
 *
 * @param ttl ms after which a key is warned of again. Default: never
 */
export function createWarnOnce(ttl = Infinity): WarnOnce {
  const logger = new Logger(AUTHKIT_LOG_CONTEXT);
  const seen = new BoundedMap<true>(MAX_KEYS);
  let hourEnds = -Infinity;
  let count = 0;
  return (key, text) => {
    const shown = sanitizeForLog(key);
    if (seen.get(shown)) return;
    const now = performance.now();
    if (now >= hourEnds) {
      hourEnds = now + HOUR_MS;
      count = 0;
    }
    if (count >= MAX_WARNINGS) return;
    count += 1;
    seen.set(shown, true, ttl);
    logger.warn(text);
  };
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
