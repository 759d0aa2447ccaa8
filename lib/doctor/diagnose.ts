import { NestFactory } from '@nestjs/core';
import { AuthKitModule } from '../authkit.module.js';
import { authKitConfig } from '../config/from-environment.js';
import { isLoopback } from '../options/origins.js';
import {
  resolveOptions,
  type ResolvedOptions,
} from '../options/resolve-options.js';
import { VENDORS, type AuthKitVendor } from '../vendors/index.js';
import {
  parseArguments,
  UsageError,
  USAGE,
  type DoctorArguments,
} from './arguments.js';
import { checkCall } from './check-call.js';
import { checkKey, titleOf } from './check-key.js';
import { checkRoutes } from './check-routes.js';
import {
  countProblems,
  formatReport,
  unchecked,
  wrong,
  type Finding,
  type Section,
} from './report.js';

const [DEFAULT_VENDOR] = Object.keys(VENDORS) as [AuthKitVendor];

/** What the command prints, and its exit status. */
export interface Diagnosis {
  readonly output: string;
  readonly errors: string;
  /** 0: all is well; 1: something is wrong; 2: the arguments are not valid. */
  readonly exitCode: 0 | 1 | 2;
}

/** What the command knows beside its arguments and the environment. */
export interface DiagnosisContext {
  /** The names of the variables that `.env` alone sets. */
  readonly fromFile?: readonly string[];
  /** Prints a line before the secret key is sent. */
  readonly announce?: (line: string) => void;
}

/** Checks the key of the environment, and the endpoint and the call of the arguments. */
export async function diagnose(
  args: readonly string[],
  context: DiagnosisContext = {},
): Promise<Diagnosis> {
  try {
    const settings = parseArguments(args);
    if (!settings) return { output: USAGE, errors: '', exitCode: 0 };
    const given = authKitConfig();
    const { endpoint, headers, timeout } = settings;
    const { sections, options } = await keySections(given, settings, context);
    let received: readonly string[] = [];
    if (endpoint !== undefined) {
      const vendor =
        options?.vendor ??
        (isVendor(given.vendor) ? given.vendor : DEFAULT_VENDOR);
      const target = { vendor, url: endpoint, headers, timeout };
      const routes = await checkRoutes(target);
      sections.push(...routes.sections);
      received = routes.secrets;
    }
    // From the environment it is a string.
    const secrets = [
      String(given.secretKey ?? ''),
      ...Object.values(headers),
      ...received,
    ];
    return {
      output: formatReport(sections, secrets),
      errors: '',
      exitCode: countProblems(sections) > 0 ? 1 : 0,
    };
  } catch (error) {
    return error instanceof UsageError
      ? { output: '', errors: `${error.message}\n\n${USAGE}`, exitCode: 2 }
      : {
          output: '',
          // Its message may quote a secret.
          errors: `authkit-doctor has failed (${(error as Error).name}). This is a bug: please report it.\n`,
          exitCode: 1,
        };
  }
}

type Given = ReturnType<typeof authKitConfig>;

/** @returns the sections about the key, and the options if they are valid */
async function keySections(
  given: Given,
  { endpoint, call, timeout }: DoctorArguments,
  { fromFile = [], announce = () => {} }: DiagnosisContext,
): Promise<{ sections: Section[]; options?: ResolvedOptions }> {
  const title = 'Settings of the environment';
  if (!given.secretKey) {
    const isNeeded = endpoint === undefined || call !== undefined;
    return { sections: [{ title, findings: [missingKey(isNeeded)] }] };
  }
  let options: ResolvedOptions;
  try {
    options = resolveOptions(given, {
      needsGrants: false,
      errors: [],
    });
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n');
    return { sections: [{ title, findings: lines.map(describeInvalid) }] };
  }
  const { baseUrl, vendor } = options;
  const { displayName, baseUrl: ofVendor } = VENDORS[vendor];
  const { protocol, hostname, origin } = new URL(baseUrl);
  if (protocol === 'http:' && !isLoopback(hostname)) {
    const finding = wrong(
      'Secret key',
      'not sent: AUTHKIT_BASE_URL is plain http, by which anybody on the way reads the key',
      'Use https. Plain http is for this machine alone, e.g. the emulator.',
    );
    return { sections: [{ title: titleOf(options), findings: [finding] }] };
  }
  if (fromFile.includes('AUTHKIT_BASE_URL') && baseUrl !== ofVendor) {
    announce(
      `Sending the secret key to ${origin}: AUTHKIT_BASE_URL of .env. ${displayName} is at ${ofVendor}.`,
    );
  }
  const source = Object.values(VENDORS)
    .map(({ secretKeyEnv }) => secretKeyEnv)
    .find((name) => process.env[name] === given.secretKey)!;
  const app = await NestFactory.createApplicationContext(
    // Without retries: a call that fails now and then is to be seen.
    AuthKitModule.forRoot({
      ...given,
      retries: 0,
      timeout,
      attemptTimeout: timeout,
    }),
    { logger: false, abortOnError: false },
  );
  try {
    const sections = [await checkKey(app, { options, source, timeout })];
    if (call) sections.push(await checkCall(app, call, displayName));
    return { sections, options };
  } finally {
    await app.close();
  }
}

function missingKey(isNeeded: boolean): Finding {
  const vendors = Object.values(VENDORS);
  const names = vendors.map(({ secretKeyEnv }) => secretKeyEnv).join(' and ');
  const text = `${names} are not set`;
  if (!isNeeded) return unchecked('Secret key', `not checked: ${text}`);
  const choices = vendors.map(
    ({ secretKeyEnv, displayName }) => `${secretKeyEnv} for ${displayName}`,
  );
  return wrong(
    'Secret key',
    text,
    `Set ${choices.join(', or ')}, in the environment or in .env: sk_test_… or sk_live_… from the dashboard.`,
  );
}

/** @param line of the error of `resolveOptions()`: `  - timeout: given 0; expected …` */
function describeInvalid(line: string): Finding {
  const [, name = '', given = '', expected = ''] =
    /^\s*- ([^:]+): (.*?)(?:; (.*))?$/.exec(line) ?? [];
  return wrong(name, given, expected);
}

function isVendor(vendor: unknown): vendor is AuthKitVendor {
  return typeof vendor === 'string' && Object.hasOwn(VENDORS, vendor);
}
