import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { MAX_TIMEOUT_MS } from './validation.js';

/** What is cached in memory, for each account, and for how long. */
export class AuthKitCacheOptions {
  /**
   * How long a value is cached, in ms.
   * @default 300_000
   */
  @IsInt()
  @Min(1)
  @Max(MAX_TIMEOUT_MS)
  ttl?: number = 300_000;

  /**
   * Whether the account's `isWhiteLabel` is cached, with its lists of connectors
   * and actions. A failed request is not cached. If the request for the flags
   * fails, an expired value serves.
   * @default true
   */
  @IsBoolean()
  flags?: boolean = true;
}

// Until lib/cache is gone.
