import type { AuthKitIntegration } from '../authkit.types.js';
import type { Account } from './account.js';
import { applyFault } from './apply-fault.js';
import {
  argumentError,
  checkArgument,
  FILLED_STRING,
  functionOf,
  STRING,
  STRINGS,
} from './check-argument.js';
import {
  DETAILS_RULES,
  OWNER_RULES,
  type EmulatorConnection,
  type EmulatorConnectionDetails,
  type EmulatorOwner,
} from './connections.js';
import {
  checkOptions,
  OPTION_RULES,
  type EmulatorOptions,
  type PicaEmulatorOptions,
} from './emulator-options.js';
import {
  MAX_BODY,
  MAX_FOREIGN_BODY,
  parseBody,
  readBody,
  type EmulatorRequest,
} from './emulator-request.js';
import { EmulatorServer } from './emulator-server.js';
import type { Exchange } from './exchange.js';
import {
  describeFault,
  FaultList,
  checkFault,
  type EmulatorFault,
  type EmulatorFaultHandle,
} from './faults.js';
import { isForeign, refuseForeign } from './foreign-pages.js';
import type {
  ActionDetails,
  EmulatorAction,
  EmulatorPlatformHandler,
} from './platforms/action.js';
import { toActionRow } from './platforms/action.js';
import type { Controls } from './page/emulator-api.js';
import { NamedFaults } from './page/named-faults.js';
import { handlePageRequest, isPageRequest } from './page/page-site.js';
import { callPlatform, isPassthrough } from './platforms/passthrough.js';
import { RequestLog } from './request-log.js';
import { handleRequest } from './routes.js';
import { Service } from './service.js';
import { CHECK_PATH } from './widget/oauth.js';
import { handleWidgetRequest, isWidgetRequest } from './widget/widget-site.js';
import type { AuthKitVendor } from '../vendors/index.js';

/**
 * One of several accounts.
 *
 * @publicApi
 */
export interface EmulatorAccount {
  readonly secretKey: string;
  /** `test` or `live`. */
  readonly environment: string;
  /** All connections, the inactive ones too, in the order of their creation. */
  readonly connections: readonly EmulatorConnection[];
  /** The integrations on offer, as they were set. */
  integrations: number | readonly AuthKitIntegration[];
  /** All rows on offer, in order. */
  readonly rows: readonly AuthKitIntegration[];
}

/**
 * Pica's API on a port of 127.0.0.1, for tests and for work offline: it
 * checks the secret key, lists integrations page by page, keeps connections,
 * logs all requests, and fails on demand. With `vendor: 'one'` it is One's API.
 * The same port serves the widget: pass its URL as `baseUrl` to `useAuthKit` too.
 * Opened in a browser, the URL shows connections, faults and requests.
 * A running emulator keeps no process and no Jest alive.
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
 *   it('offers the integrations to the signed-in user', async () => {
 *     const { body } = await token().expect(200);
 *     expect(body.rows).toEqual(pica.rows);
 *     const call = pica.requests.find(({ path }) => path === '/v1/authkit');
 *     expect(call?.body).toMatchObject({ identity: 'ada' });
 *   });
 *
 *   it('returns 502 while Pica is down', async () => {
 *     pica.fault({ path: '/v1/authkit', status: 503 });
 *     await token().expect(502);
 *   });
 * });
 * ```
 *
 * @publicApi
 */
export class PicaEmulator {
  /** The emulated service. */
  readonly vendor: AuthKitVendor;
  /** The key of the first account: pass it to the code under test. */
  readonly secretKey: string;

  private readonly service: Service;
  private faults = new FaultList();
  private readonly server: EmulatorServer;
  private log = new RequestLog();
  private readonly controls: Controls;

  private constructor(options: EmulatorOptions) {
    this.vendor = options.vendor;
    this.service = new Service(options);
    this.secretKey = this.service.firstAccount.secretKey;
    this.controls = {
      emulator: this,
      service: this.service,
      faults: new NamedFaults((fault) => this.fault(fault)),
    };
    this.server = new EmulatorServer(
      () => this.service.nextCorrelationId(),
      (exchange) => this.respond(exchange),
    );
  }

  /**
   * Starts an emulator.
   *
   * @throws {TypeError} for an option of the wrong type or an unknown one
   * @throws {RangeError} for a number out of its range
   * @throws {Error} if the port cannot be used
   */
  static async start(options: PicaEmulatorOptions = {}): Promise<PicaEmulator> {
    const checked = checkOptions(options);
    const emulator = new PicaEmulator(checked);
    await emulator.server.listen(checked.port);
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
   * The integrations on offer, as they were set: a number of well-known
   * products, or rows of your own. {@link PicaEmulator.rows} are the rows themselves.
   *
   * @throws {TypeError | RangeError} when set to anything else
   */
  get integrations(): number | readonly AuthKitIntegration[] {
    return this.service.firstAccount.offered;
  }
  set integrations(integrations: number | readonly AuthKitIntegration[]) {
    checkOption({ integrations });
    this.service.firstAccount.setIntegrations(integrations);
  }

  /** All rows on offer, in order. They are frozen copies. */
  get rows(): readonly AuthKitIntegration[] {
    return this.service.firstAccount.integrations.rows();
  }

  /**
   * The delay of every response in ms.
   *
   * @throws {TypeError | RangeError} when set to anything else
   */
  get latency(): number {
    return this.service.latency;
  }
  set latency(latency: number) {
    checkOption({ latency });
    this.service.latency = latency;
  }

  /**
   * Whether the account may hide the vendor's branding: `authkitWhitelist` in
   * Pica's flags, `isWhiteLabel` in One's token.
   *
   * @throws {TypeError} when set to anything but a boolean
   */
  get whiteLabel(): boolean {
    return this.service.whiteLabel;
  }
  set whiteLabel(whiteLabel: boolean) {
    checkOption({ whiteLabel });
    this.service.whiteLabel = whiteLabel;
  }

  /**
   * The filters of the list of connections that have no effect: `true` for all, or their names.
   *
   * @throws {TypeError} when set to anything else
   */
  get ignoreFilters(): EmulatorOptions['ignoreFilters'] {
    return this.service.ignoreFilters;
  }
  set ignoreFilters(ignoreFilters: EmulatorOptions['ignoreFilters']) {
    checkOption({ ignoreFilters });
    this.service.ignoreFilters = ignoreFilters;
  }

  /**
   * The requests since the start or the last {@link PicaEmulator.reset}, in
   * order of arrival. Only those of the API: what a browser loads of the widget
   * is not listed, and faults do not hit it.
   */
  get requests(): readonly EmulatorRequest[] {
    return this.log.requests;
  }

  /**
   * What belongs to one of several accounts.
   *
   * @param secretKey Default: the first account's, as in `pica.connections`, `pica.integrations` and `pica.rows`
   * @throws {TypeError} for an unknown key
   */
  account(secretKey?: string): EmulatorAccount {
    const account = this.findAccount('account()', secretKey);
    return {
      secretKey: account.secretKey,
      environment: account.environment,
      get connections() {
        return account.connections.all();
      },
      get rows() {
        return account.integrations.rows();
      },
      get integrations() {
        return account.offered;
      },
      set integrations(integrations) {
        checkOption({ integrations });
        account.setIntegrations(integrations);
      },
    };
  }

  /** All connections of the first account, the inactive ones too, in the order of their creation. */
  get connections(): readonly EmulatorConnection[] {
    return this.service.firstAccount.connections.all();
  }

  /**
   * Creates a connection without a browser.
   *
   * @param identity the owner: an identity, or `{ identity, identityType }`; `{}` for none
   * @param platform e.g. `gmail`; it need not be on offer
   * @param details name, tags, state, activity, key, date, account and organization, where they matter
   * @throws {TypeError} for an argument of the wrong type
   */
  connect(
    identity: string | EmulatorOwner,
    platform: string,
    details: EmulatorConnectionDetails = {},
  ): EmulatorConnection {
    const call = 'connect()';
    const owner = typeof identity === 'string' ? { identity } : identity;
    if (typeof platform !== 'string' || platform === '') {
      throw argumentError(call, "platform: expected a string such as 'gmail'.");
    }
    const checked = {
      ...checkArgument(call, OWNER_RULES, owner),
      ...checkArgument(call, DETAILS_RULES, details),
    };
    const { tenantHeaders, displayName } = this.service.profile;
    if (!tenantHeaders && (checked.organizationId ?? checked.projectId)) {
      throw argumentError(
        call,
        `organizationId, projectId: ${displayName} has neither; expected vendor: 'one'.`,
      );
    }
    return this.findAccount(call, checked.secretKey).connect(platform, checked);
  }

  /**
   * Breaks a connection: calls fail with "Connection not found", and the row is
   * `failed` and inactive, until the user connects again.
   *
   * @param options with `silently: true` the row stays `operational`, as the service's rows often do
   * @throws {TypeError} for an unknown id
   */
  breakConnection(
    id: string,
    { silently = false }: { silently?: boolean } = {},
  ): EmulatorConnection {
    const change = { state: 'failed', active: false } as const;
    return this.update('breakConnection()', id, silently ? {} : change, true);
  }

  /**
   * Makes a broken connection work again.
   *
   * @throws {TypeError} for an unknown id
   */
  repairConnection(id: string): EmulatorConnection {
    const change = { state: 'operational', active: true } as const;
    return this.update('repairConnection()', id, change, false);
  }

  /**
   * Responds to the calls of a platform's path: `/v1/passthrough/<path>`, with a
   * connection of the platform. The action is listed by `GET /v1/available-actions/{platform}`.
   * It replaces one of the same method and path, unless `details` has another `systemId`.
   *
   * @param platform e.g. `gmail`
   * @param path the path of the platform's own API, with `{{placeholders}}`: `/gmail/v1/users/{{userId}}/labels`
   * @param handler returns `{ status?, headers?, body? }`
   * @param details title, key, tags and system id, where they matter
   * @returns the action
   * @throws {TypeError} for an argument of the wrong type
   */
  platform(
    platform: string,
    method: string,
    path: string,
    handler: EmulatorPlatformHandler,
    details: ActionDetails = {},
  ): EmulatorAction {
    const given = { platform, method, path, handler, ...details };
    checkArgument('platform()', ACTION_RULES, given);
    const { platforms } = this.service;
    return toActionRow(platforms.add(platform, method, path, handler, details));
  }

  /** The number of open network connections, including idle ones. */
  get openConnections(): number {
    return this.server.openConnections;
  }

  /**
   * Adds a fault. A request is hit by at most one: the first that matches it,
   * in the order in which they were added, and that has hits left.
   *
   * @returns a handle that counts the hits and can remove the fault
   * @throws {TypeError} for a fault without an effect, effects that contradict each other, or a field of the wrong type
   * @throws {RangeError} for a number out of its range
   */
  fault(fault: EmulatorFault): EmulatorFaultHandle {
    return this.faults.add(checkFault(fault));
  }

  /** Removes all faults. Requests that they have hit already are not affected. */
  clearFaults(): void {
    this.controls.faults.clear();
    this.faults.clear();
  }

  /**
   * Restores the state at the start, between two tests: the options (also
   * `integrations`, `latency`, `whiteLabel` and `ignoreFilters`), no faults, no
   * requests in the log, no connections, and ids counted from 1.
   */
  reset(): void {
    // New ones: a request of the previous test that is still arriving does not reach the next one's.
    this.controls.faults.clear();
    this.faults = new FaultList();
    this.log = new RequestLog();
    this.service.reset();
  }

  /** Stops the emulator at once and closes its connections. May be called again. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  /** Stops the emulator at the end of a block: `await using pica = await PicaEmulator.start()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private findAccount(call: string, secretKey?: string): Account {
    const { service } = this;
    const found =
      secretKey === undefined
        ? service.firstAccount
        : service.findAccount(secretKey);
    if (found) return found;
    throw argumentError(
      call,
      'secretKey: there is no account with this key; expected one of the option accounts.',
    );
  }

  private update(
    call: string,
    id: string,
    change: Partial<EmulatorConnection>,
    isDead: boolean,
  ): EmulatorConnection {
    const { connections } = this.service.ownerOf(id) ?? {};
    const updated = connections?.update(id, change, isDead);
    if (updated) return updated;
    throw argumentError(
      call,
      'there is no connection with this id; expected the id of one of pica.connections.',
    );
  }

  private async respond(exchange: Exchange): Promise<void> {
    const { service, faults, log } = this;
    const { request, correlationId, incoming } = exchange;
    const isPage = isPageRequest(request);
    if (isPage || isWidgetRequest(service, request)) {
      if (request.path !== CHECK_PATH && isForeign(request)) {
        return exchange.send(refuseForeign());
      }
      request.body = parseBody(await readBody(incoming, MAX_FOREIGN_BODY));
      return exchange.send(
        isPage
          ? handlePageRequest(this.controls, request)
          : handleWidgetRequest(service, request),
      );
    }
    log.add(request);
    const isCall = isPassthrough(request);
    const tooLarge = isCall ? false : await this.readBody(exchange, log);

    const fault = faults.take(request);
    if (fault) request.problem = describeFault(fault);
    await exchange.wait(service.latency + (fault?.delay ?? 0));
    const call = { service, request, correlationId, tooLarge };
    const respond = async () =>
      isCall ? callPlatform(call, exchange, log) : handleRequest(call);
    if (fault) return applyFault(fault, exchange, call, respond);
    return exchange.send(await respond());
  }

  /** @returns whether the body is too large */
  private async readBody(
    { incoming, request }: Exchange,
    log: RequestLog,
  ): Promise<boolean> {
    const { profile } = this.service;
    const key = request.headers[profile.secretHeader];
    const limit = this.service.findAccount(key) ? MAX_BODY : MAX_FOREIGN_BODY;
    const body = await readBody(incoming, limit);
    log.keepBody(request, parseBody(body), body.text.length);
    return body.tooLarge;
  }
}

const ACTION_RULES = {
  platform: { ...FILLED_STRING, isRequired: true },
  method: { ...FILLED_STRING, isRequired: true },
  path: { ...FILLED_STRING, isRequired: true },
  handler: { ...functionOf('a function of the request'), isRequired: true },
  title: STRING,
  key: STRING,
  tags: STRINGS,
  systemId: FILLED_STRING,
} as const;

/** @throws {TypeError | RangeError} for an option that changes while the emulator runs */
function checkOption(option: PicaEmulatorOptions): void {
  const [[name, value]] = Object.entries(option);
  // `undefined` is no value here.
  checkArgument(name, OPTION_RULES, { [name]: value ?? NaN });
}
