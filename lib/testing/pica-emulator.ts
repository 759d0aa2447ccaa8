import type { AuthKitIntegration, AuthKitVendor } from '../authkit.types.js';
import { Account } from './account.js';
import type { EmulatorConnection } from './connections/connection.js';
import {
  parseBody,
  readBody,
  type EmulatorRequest,
} from './emulator-request.js';
import {
  checkIntegrations,
  checkWhiteLabel,
  resolveOptions,
  type PicaEmulatorOptions,
  type ResolvedEmulatorOptions,
} from './emulator.options.js';
import { EmulatorServer } from './emulator-server.js';
import type { Exchange } from './exchange.js';
import type { EmulatorFault, EmulatorFaultHandle } from './fault.js';
import { FaultList } from './fault-list.js';
import { checkFault } from './fault-validation.js';
import { checkMilliseconds } from './mistake.js';
import { answerTo } from './router.js';
import { strike } from './strike.js';
import { answerOfWidget, isOfWidget } from './widget/widget-site.js';

/**
 * Pica's API on a port of 127.0.0.1, for tests and for working offline: it
 * checks the secret key, gives integrations page by page, logs what it is
 * asked, and fails on demand. With `vendor: 'one'` it is One's API. The same
 * port serves the widget: pass its URL as `baseUrl` to `useAuthKit` as well.
 *
 * @example
 * ```ts
 * describe('connecting an integration', () => {
 *   let pica: PicaEmulator;
 *   let app: INestApplication;
 *
 *   beforeAll(async () => {
 *     pica = await PicaEmulator.start({ integrations: 3 });
 *     process.env.PICA_SECRET_KEY = pica.secretKey;
 *     process.env.AUTHKIT_BASE_URL = pica.url;
 *     const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
 *     app = await module.createNestApplication().init();
 *   });
 *   afterEach(() => pica.reset());
 *   afterAll(async () => {
 *     await app.close();
 *     await pica.stop();
 *   });
 *
 *   const token = () =>
 *     request(app.getHttpServer()).post('/authkit-token').auth(adasToken, { type: 'bearer' });
 *
 *   it('offers the integrations to the user who is signed in', async () => {
 *     const { body } = await token().expect(200);
 *     expect(body.rows).toEqual(pica.rows);
 *     const asked = pica.requests.find(({ path }) => path === '/v1/authkit');
 *     expect(asked?.body).toMatchObject({ identity: 'ada' });
 *   });
 *
 *   it('says so when Pica is down', async () => {
 *     pica.fault({ path: '/v1/authkit', status: 503 });
 *     await token().expect(502);
 *   });
 * });
 * ```
 *
 * @publicApi
 */
export class PicaEmulator {
  /** Which service it is. */
  readonly vendor: AuthKitVendor;
  /** The key that it lets in: pass it to the code under test. */
  readonly secretKey: string;

  private readonly account: Account;
  private faults = new FaultList();
  private readonly server = new EmulatorServer(
    () => this.account.correlationId(),
    (exchange) => this.answer(exchange),
  );
  private log: EmulatorRequest[] = [];
  private wait: number;

  private constructor(options: ResolvedEmulatorOptions) {
    this.vendor = options.vendor;
    this.secretKey = options.secretKey;
    this.account = new Account(options);
    this.wait = options.latency;
  }

  /**
   * Starts an emulator.
   *
   * @throws {TypeError} for an option of the wrong type, or one that does not exist
   * @throws {RangeError} for a value out of its range
   * @throws {Error} where the port cannot be used
   */
  static async start(options: PicaEmulatorOptions = {}): Promise<PicaEmulator> {
    const resolved = resolveOptions(options);
    const emulator = new PicaEmulator(resolved);
    await emulator.server.listen(resolved.port);
    return emulator;
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return this.server.port;
  }

  /** The root of the API, without a trailing slash: pass it as `baseUrl`. Also the origin of the widget. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * The integrations on offer, as they were set: how many of the well-known
   * products, or rows of your own. May be changed at any time; see
   * {@link PicaEmulator.rows} for the rows themselves.
   *
   * @throws {TypeError | RangeError} when set to what is neither
   */
  get integrations(): number | readonly AuthKitIntegration[] {
    return this.account.integrations;
  }
  set integrations(integrations: number | readonly AuthKitIntegration[]) {
    checkIntegrations(integrations);
    this.account.integrations = integrations;
  }

  /** All rows on offer, in their order. Those of the well-known products are frozen. */
  get rows(): readonly AuthKitIntegration[] {
    return this.account.catalogue.rows();
  }

  /**
   * Milliseconds before every answer. May be changed at any time.
   *
   * @throws {TypeError | RangeError} when set to what is no time
   */
  get latency(): number {
    return this.wait;
  }
  set latency(milliseconds: number) {
    checkMilliseconds('latency', milliseconds);
    this.wait = milliseconds;
  }

  /**
   * Whether the account may hide the vendor's branding: `authkitWhitelist` in
   * Pica's flags, `isWhiteLabel` in One's answer. May be changed at any time.
   *
   * @throws {TypeError} when set to what is no boolean
   */
  get whiteLabel(): boolean {
    return this.account.whiteLabel;
  }
  set whiteLabel(whiteLabel: boolean) {
    checkWhiteLabel(whiteLabel);
    this.account.whiteLabel = whiteLabel;
  }

  /**
   * The requests since the start, or since the last {@link PicaEmulator.reset},
   * in order of arrival. Those of the API: what a browser loads of the widget
   * is neither listed nor struck by faults.
   */
  get requests(): readonly EmulatorRequest[] {
    return this.log;
  }

  /** What users have connected in the widget, in that order; `identity` says whose it is. */
  get connections(): readonly EmulatorConnection[] {
    return this.account.connections;
  }

  /** How many connections of the network are open now, idle ones too. */
  get openConnections(): number {
    return this.server.openConnections;
  }

  /**
   * Lets something go wrong from now on. A request is struck by one fault: the
   * first that matches it, in the order in which they were made, and that is not spent.
   *
   * @returns a handle that counts the requests struck and can end the fault
   * @throws {TypeError} for a fault without an effect, with effects that contradict each other, or a field of the wrong type
   * @throws {RangeError} for a number out of its range
   */
  fault(fault: EmulatorFault): EmulatorFaultHandle {
    checkFault(fault);
    return this.faults.add({ ...fault });
  }

  /** Ends all faults. Requests that they have struck already stay struck. */
  clearFaults(): void {
    this.faults.clear();
  }

  /**
   * Between two tests: no faults, no requests in the log, no connections, and
   * ids counted from the start. `integrations`, `latency` and `whiteLabel` stay as they are.
   */
  reset(): void {
    // New ones: a request of the test before, still on its way in, is none of the next one's business.
    this.faults = new FaultList();
    this.log = [];
    this.account.reset();
  }

  /** Stops it at once: open connections are closed, and nothing keeps the process alive. May be called twice. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  /** For `await using pica = await PicaEmulator.start()`: stops it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async answer(exchange: Exchange): Promise<void> {
    const { account, faults } = this;
    const { request, correlationId, incoming } = exchange;
    if (isOfWidget(request)) {
      request.body = parseBody(await readBody(incoming));
      return exchange.send(answerOfWidget(account, request));
    }
    this.log.push(request);
    const body = await readBody(incoming);
    request.body = parseBody(body);

    const fault = faults.take(request);
    await exchange.wait(this.wait + (fault?.delay ?? 0));
    const call = { account, request, correlationId, tooLarge: body.tooLarge };
    if (fault) return strike(fault, exchange, call);
    exchange.send(answerTo(call));
  }
}
