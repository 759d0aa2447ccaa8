import { isSecretKey } from '../options/module.options.js';
import type { AuthKitIntegration, AuthKitVendor } from '../authkit.types.js';
import type { EmulatorRequest } from './emulator-request.js';
import {
  checkMilliseconds,
  checkNames,
  checkWhole,
  mistake,
} from './mistake.js';

/**
 * The options of `PicaEmulator.start()`, all of them optional.
 *
 * @publicApi
 */
export interface PicaEmulatorOptions {
  /**
   * Which service to be: it decides the paths and the name of the header that
   * carries the secret key (`X-Pica-Secret` or `X-One-Secret`). The other
   * vendor's paths do not exist. Default: `pica`
   */
  vendor?: AuthKitVendor;
  /** The one key that is let in; with any other the answer is 401. Default: `sk_test_emulator` */
  secretKey?: string;
  /**
   * The integrations that the account offers: how many well-known products
   * (the same ones with the same ids in every run), or rows of your own.
   * Default: 247, as in a usual project
   */
  integrations?: number | readonly AuthKitIntegration[];
  /** Milliseconds that pass before every answer. Default: 0 */
  latency?: number;
  /** Whether the account may hide the vendor's branding in the widget. Default: false */
  whiteLabel?: boolean;
  /** The port on 127.0.0.1. Default: 0, which takes a free one */
  port?: number;
  /**
   * Gives each page its `requestId`. Default: a fresh one for every call,
   * `req_1` and so on.
   */
  requestId?: (request: EmulatorRequest) => string | number | null;
}

/** The options with their defaults, checked. */
export interface ResolvedEmulatorOptions {
  vendor: AuthKitVendor;
  secretKey: string;
  integrations: number | readonly AuthKitIntegration[];
  latency: number;
  whiteLabel: boolean;
  port: number;
  requestId: PicaEmulatorOptions['requestId'];
}

const NAMES = [
  'vendor',
  'secretKey',
  'integrations',
  'latency',
  'whiteLabel',
  'port',
  'requestId',
];

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for an option of the wrong type, or one that does not exist
 * @throws {RangeError} for a value out of its range
 */
export function resolveOptions(
  given: PicaEmulatorOptions,
): ResolvedEmulatorOptions {
  if (typeof given !== 'object' || given === null) {
    throw mistake(
      TypeError,
      'the argument of start()',
      given,
      'an object of options',
      'Leave it out for the defaults.',
    );
  }
  checkNames('start()', given, NAMES);
  const {
    vendor = 'pica',
    secretKey = 'sk_test_emulator',
    integrations = 247,
    latency = 0,
    whiteLabel = false,
    port = 0,
    requestId,
  } = given;
  if (vendor !== 'pica' && vendor !== 'one') {
    throw mistake(
      TypeError,
      'vendor',
      vendor,
      "'pica' or 'one'",
      "Leave it out for 'pica'.",
    );
  }
  checkSecretKey(secretKey);
  checkIntegrations(integrations);
  checkMilliseconds('latency', latency);
  checkWhiteLabel(whiteLabel);
  checkWhole('port', port, [0, 65_535], 'Pass 0 for a free port.');
  if (requestId !== undefined && typeof requestId !== 'function') {
    throw mistake(
      TypeError,
      'requestId',
      requestId,
      'a function of the request',
      'For a constant pass () => value.',
    );
  }
  return {
    vendor,
    secretKey,
    integrations,
    latency,
    whiteLabel,
    port,
    requestId,
  };
}

/** @throws {TypeError} or {RangeError} for what is neither a number of products nor rows */
export function checkIntegrations(given: unknown): void {
  if (!Array.isArray(given)) {
    const advice =
      'Pass how many well-known products there are, or a list of your own rows.';
    return checkWhole('integrations', given, [0, Infinity], advice);
  }
  given.forEach((row: unknown, index) => {
    if (typeof row === 'object' && row !== null) return;
    throw mistake(
      TypeError,
      `integrations[${index}]`,
      row,
      'a row, an object with an id',
      'To send something broken, use fault({ transform }).',
    );
  });
}

/** @throws {TypeError} for what is no boolean */
export function checkWhiteLabel(given: unknown): void {
  if (typeof given === 'boolean') return;
  throw mistake(
    TypeError,
    'whiteLabel',
    given,
    'true or false',
    'To send another value, use fault({ transform }).',
  );
}

/** Says nothing of the key itself: it may be a real one that was passed by mistake. */
function checkSecretKey(given: unknown): void {
  if (isSecretKey(given)) return;
  throw new TypeError(
    `PicaEmulator: secretKey is ${typeof given === 'string' ? 'empty, or has spaces, line breaks or characters beyond ASCII' : `a ${typeof given}`}; ` +
      'expected a string that fits into a header. Leave it out, and pass pica.secretKey to the code under test.',
  );
}
