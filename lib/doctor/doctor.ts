import { authKitConfig } from '../config/from-environment.js';
import {
  resolveOptions,
  type ResolvedOptions,
} from '../options/resolve-options.js';
import { VENDORS, type AuthKitVendor } from '../vendors/index.js';
import { parseArguments, UsageError, USAGE } from './arguments.js';
import { checkEndpoint } from './check-endpoint.js';
import { checkKey } from './check-key.js';
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

/** Checks the key of the environment, and the endpoint of the arguments. */
export async function diagnose(args: readonly string[]): Promise<Diagnosis> {
  try {
    const settings = parseArguments(args);
    if (!settings) return { output: USAGE, errors: '', exitCode: 0 };
    const given = authKitConfig();
    const { endpoint, headers, timeout } = settings;
    const sections = [await keySection(given, timeout, endpoint !== undefined)];
    if (endpoint !== undefined) {
      const vendor = isVendor(given.vendor) ? given.vendor : DEFAULT_VENDOR;
      sections.push(
        await checkEndpoint({ vendor, url: endpoint, headers, timeout }),
      );
    }
    // From the environment it is a string.
    const secrets = [String(given.secretKey ?? ''), ...Object.values(headers)];
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

async function keySection(
  given: ReturnType<typeof authKitConfig>,
  timeout: number,
  hasEndpoint: boolean,
): Promise<Section> {
  const title = 'Settings of the environment';
  const names = Object.values(VENDORS).map(({ secretKeyEnv }) => secretKeyEnv);
  if (!given.secretKey) {
    const text = `${names.join(' and ')} are not set`;
    const finding = hasEndpoint
      ? unchecked('Secret key', `not checked: ${text}`)
      : wrong(
          'Secret key',
          text,
          `Set ${names[0]}, or ${names[1]} for One, in the environment or in .env: sk_test_… or sk_live_… from the dashboard.`,
        );
    return { title, findings: [finding] };
  }
  let options: ResolvedOptions;
  try {
    options = resolveOptions(given, {
      needsGrants: false,
      errors: [],
    });
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n');
    return { title, findings: lines.map(describeInvalid) };
  }
  const source = names.find((name) => process.env[name] === given.secretKey);
  return checkKey(options, source!, timeout);
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
