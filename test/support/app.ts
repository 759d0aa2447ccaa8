import { LIMITS } from '../../lib/options/limits.js';
import 'reflect-metadata';
import { jest } from '@jest/globals';
import {
  ConsoleLogger,
  Module,
  type INestApplication,
  type LoggerService,
  type LogLevel,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ExpressAdapter,
  type NestExpressApplication,
} from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  AuthKitException,
  AuthKitGrantService,
  AuthKitModule,
  AuthKitTokenService,
  type AuthKitControllerOptions,
  type AuthKitGrantOptions,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { afterTest } from './cleanup.js';
import { GRANT_SECRET } from './grants.js';
import { SessionGuard, SignInGuard } from './guards.js';
import { failOnWarnings } from './process-warnings.js';

failOnWarnings();

/** The platforms that the e2e tests run on. */
export const PLATFORMS = ['Express', 'Fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

type Upstream = Pick<PicaEmulator, 'secretKey' | 'url' | 'vendor'>;

/** Options of the module, of which none is required. */
export type TestOptions = Partial<Omit<AuthKitModuleOptions, 'grant'>> & {
  grant?: Partial<AuthKitGrantOptions>;
};

/** A registration of the module in a test app. */
export interface RegistrationSettings {
  /** The emulator that the app uses. Without one, the upstream refuses every connection. */
  pica?: Upstream;
  /** Options of the module, which take precedence over those that point at the emulator. */
  options?: TestOptions;
  /**
   * Options of the controller. By default the guard is the `SignInGuard`; with
   * `grants` it is the `SessionGuard` and the option `grant` has a secret.
   */
  controller?: boolean | AuthKitControllerOptions;
  /** Whether the module is registered with `forRootAsync`. */
  async?: boolean;
  isGlobal?: boolean;
  /** The name of the registration. */
  name?: string;
  /** Imports of the registration, such as the module of the guards. */
  registrationImports?: ModuleMetadata['imports'];
}

/** A test app. */
export interface AppSettings
  extends
    RegistrationSettings,
    Pick<ModuleMetadata, 'imports' | 'providers' | 'controllers'> {
  /** `'Express'` by default. */
  platform?: Platform;
  /** Registrations of the module, in place of the one that the other settings describe. */
  registrations?: NonNullable<ModuleMetadata['imports']>;
  /** Does what a `main.ts` does between `create()` and `listen()`. */
  configure?: (app: INestApplication) => void;
  /** Replaces providers or guards, as tests of an app do. */
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** Whether the app logs errors and warnings, or the levels that it logs. Nothing by default. */
  logs?: boolean | LogLevel[];
  trustProxy?: boolean;
  /** Options of the server, where the platform is Fastify. */
  fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
}

/** An app that is initialized and does not listen. */
export interface TestApp {
  readonly app: INestApplication;
  /** The token service of the first registration. */
  readonly tokens: AuthKitTokenService;
  /** The grant service of the first registration. */
  readonly grants: AuthKitGrantService;
  get<T>(type: Type<T>): T;
  /** Closes the app before the test ends. */
  close(): Promise<void>;
}

/** An app that listens on a port of 127.0.0.1. */
export interface RunningApp extends TestApp {
  /** The root of the app, without a trailing slash. */
  readonly url: string;
  /** The URL of the token endpoint at its default path. */
  readonly tokenUrl: string;
}

/** The settings with which the requests equal those of the official package: pages of 100, and the flags for every token. */
export const OFFICIAL_REQUESTS = {
  [LIMITS]: { pageSize: 100 },
  cache: { flags: false },
} as const;

/** Options of the module that point at an emulator. */
export function optionsFor(
  { secretKey, vendor, url }: Upstream = UNREACHABLE,
  options: TestOptions = {},
): AuthKitModuleOptions {
  return {
    secretKey,
    vendor,
    baseUrl: url,
    ...options,
  } as AuthKitModuleOptions;
}

const UNREACHABLE: Upstream = {
  secretKey: 'sk_test_1',
  vendor: 'pica',
  url: 'http://127.0.0.1:1',
};

/** Registers the module as an app does. */
export function register({
  pica,
  options: given,
  controller: mounted = false,
  async: isAsync,
  isGlobal,
  name,
  registrationImports: imports,
}: RegistrationSettings) {
  const controller = typeof mounted === 'object' && {
    guards: [mounted.grants ? SessionGuard : SignInGuard],
    ...mounted,
  };
  const options = optionsFor(pica, given);
  if (controller && controller.grants) {
    options.grant = { secret: GRANT_SECRET, ...options.grant };
  }
  const extras = {
    controller: controller || mounted,
    isGlobal,
    name,
    imports,
  };
  return isAsync
    ? AuthKitModule.forRootAsync({ useFactory: async () => options, ...extras })
    : AuthKitModule.forRoot({ ...options, ...extras });
}

/** Starts an app with a token endpoint. It closes after the current test. */
export async function startApp(settings: AppSettings): Promise<RunningApp> {
  const created = await create({ controller: {}, ...settings });
  await created.app.listen(0, '127.0.0.1');
  const url = await created.app.getUrl();
  return Object.assign(created, { url, tokenUrl: `${url}/authkit-token` });
}

/** Creates an app for its services alone, without a port. It closes after the current test. */
export async function createApp(settings: AppSettings = {}): Promise<TestApp> {
  const created = await create(settings);
  await created.app.init();
  return created;
}

/** Creates the token service of an app that uses an emulator. The app closes after the current test. */
export async function createTokenService(
  pica?: Upstream,
  options?: TestOptions,
): Promise<AuthKitTokenService> {
  return (await createApp({ pica, options })).tokens;
}

/** The error with which an app does not boot, or `undefined`. */
export async function bootError(
  settings: AppSettings,
): Promise<Error | undefined> {
  try {
    await createApp(settings);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** The reason of the `AuthKitException` that a promise rejects with, any other error, or `'none'`. */
export function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'none',
    (error: unknown) =>
      error instanceof AuthKitException ? error.reason : error,
  );
}

async function create(settings: AppSettings): Promise<TestApp> {
  if (jest.isMockFunction(Math.random)) {
    throw new Error('Create apps before mockBackoff(): their ids are random');
  }
  const {
    platform = 'Express',
    registrations = [register(settings)],
    imports = [],
    controllers,
    providers,
    configure,
    override,
    logs = false,
    trustProxy = false,
    fastify = {},
  } = settings;

  @Module({ imports: [...registrations, ...imports], controllers, providers })
  class AppModule {}

  const adapter =
    platform === 'Express'
      ? new ExpressAdapter()
      : new FastifyAdapter({ trustProxy, ...(fastify as object) });
  const options = {
    logger: loggerOf(logs),
    abortOnError: false,
    forceCloseConnections: true,
  };
  const app: INestApplication = override
    ? (
        await override(
          Test.createTestingModule({ imports: [AppModule] }),
        ).compile()
      ).createNestApplication(adapter, options)
    : await NestFactory.create(AppModule, adapter, options);
  if (platform === 'Express') {
    (app as NestExpressApplication).set('trust proxy', trustProxy);
  }

  let closed: Promise<void> | undefined;
  const close = () => (closed ??= app.close());
  afterTest(close);
  configure?.(app);

  const get = <T>(type: Type<T>): T => app.get(type, { strict: false });
  return {
    app,
    get tokens() {
      return get(AuthKitTokenService);
    },
    get grants() {
      return get(AuthKitGrantService);
    },
    get,
    close,
  };
}

function loggerOf(logs: boolean | LogLevel[]): LoggerService | false {
  if (!logs) return false;
  const logLevels: LogLevel[] = logs === true ? ['error', 'warn'] : logs;
  return new ConsoleLogger({ logLevels });
}
