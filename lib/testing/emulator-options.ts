import { IsOptional } from 'class-validator';
import {
  IsBoolean,
  IsFunction,
  IsInRange,
  IsOneOf,
  Satisfies,
} from './validation.js';
import type { AuthKitIntegration } from '../authkit.types.js';
import { IsMilliseconds, isIntegerFrom } from './argument-error.js';
import { CONNECTION_FILTERS, type ConnectionFilter } from './connections.js';
import type { EmulatorRequest } from './emulator-request.js';
import type { AuthKitVendor } from '../vendors/index.js';
import { formatType } from '../format-value.js';

/**
 * The options of `PicaEmulator.start()`. All are optional.
 *
 * @publicApi
 */
export type PicaEmulatorOptions = Partial<EmulatorOptions>;

/** The options with their defaults and rules. */
export class EmulatorOptions {
  /**
   * The service to emulate. It decides the paths and the name of the header
   * with the secret key (`X-Pica-Secret` or `X-One-Secret`). The other
   * vendor's paths do not exist. Default: `pica`
   */
  @IsOneOf(['pica', 'one'])
  vendor: AuthKitVendor = 'pica';

  /** The only key that is accepted. Any other gets status 401. Default: `sk_test_emulator` */
  @Satisfies(
    'a string without spaces, line breaks and characters beyond ASCII, as it is sent in a header; ' +
      'leave it out, and pass pica.secretKey to the code under test',
    (value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value),
    // The key itself is not shown: it may be a real one.
    formatType,
  )
  secretKey: string = 'sk_test_emulator';

  /**
   * The integrations on offer: a number of well-known products (the same
   * products with the same ids in every run), or rows of your own.
   * Default: 247, as in a usual project
   */
  @Satisfies(
    'a whole number from 0, or a list of rows, each an object with an id; to send something broken, use fault({ transform })',
    (value) =>
      Array.isArray(value)
        ? value.every((row) => typeof row === 'object' && row !== null)
        : isIntegerFrom(0, value),
  )
  integrations: number | readonly AuthKitIntegration[] = 247;

  /** The delay of every response in ms. Default: 0 */
  @IsMilliseconds()
  latency: number = 0;

  /** Whether the account may hide the vendor's branding in the widget. Default: false */
  @IsBoolean()
  whiteLabel: boolean = false;

  /**
   * The filters of `GET /v1/vault/connections` that have no effect, as an
   * upstream may ignore them: `true` for all, or their names.
   * Default: false, all filters have an effect
   */
  @Satisfies(
    `true, false or a list of ${CONNECTION_FILTERS.join(', ')}`,
    (value) =>
      typeof value === 'boolean' ||
      (Array.isArray(value) &&
        value.every((name) => CONNECTION_FILTERS.includes(name))),
  )
  ignoreFilters: boolean | readonly ConnectionFilter[] = false;

  /** The port on 127.0.0.1. Default: 0, which takes a free one */
  @IsInRange(0, 65_535)
  port: number = 0;

  /** Returns the `requestId` of a page. Default: a new one for every call, `oauth_req_1` and so on */
  @IsOptional()
  @IsFunction('a function of the request; for a constant pass () => value')
  requestId?: (request: EmulatorRequest) => string | number | null;
}
