import { IsOptional } from 'class-validator';
import {
  breachesOf,
  isPlainUrl,
  Must,
  showValue,
  WholeNumber,
} from '../authkit.options-rules.js';
import type { AuthKitGrantOptions, GrantOptions } from './grant.options.js';

/** Bytes: what HS256 asks of a key (RFC 7518, 3.2). */
const MIN_SECRET = 32;

const Name = () =>
  Must(
    'a string that is not empty',
    (value) => typeof value === 'string' && value.trim() !== '',
  );

/** The rules of {@link AuthKitGrantOptions}, one for each option. */
class GrantOptionsRules {
  @Must(
    `a string of at least ${MIN_SECRET} bytes, from a generator (openssl rand -base64 48), or a list of such: ` +
      'the first signs, all verify. Pass grant: { secret }, or set AUTHKIT_GRANT_SECRET and use authKitConfig',
    (value) => {
      const secrets = [value].flat();
      return secrets.length > 0 && secrets.every(isSecret);
    },
  )
  secret!: unknown;

  @IsOptional()
  @WholeNumber(1, 86_400, ' of seconds')
  ttl?: unknown;

  @IsOptional()
  @Must(
    'the http: or https: URL of the token endpoint, without credentials, query or fragment',
    isPlainUrl,
  )
  url?: unknown;

  @IsOptional()
  @Must('true or false', (value) => typeof value === 'boolean')
  singleUse?: unknown;

  @IsOptional()
  @Name()
  issuer?: unknown;

  @IsOptional()
  @Name()
  audience?: unknown;
}

/**
 * What is wrong with the `grant` option: one sentence for each fault, none of
 * them with a secret in it.
 */
export function faultsOfGrant(given: unknown): string[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [
      `grant: given ${Array.isArray(given) ? 'a list' : `a ${typeof given}`}; expected an object with at least a secret.`,
    ];
  }
  const rules = Object.assign(new GrantOptionsRules(), given);
  return breachesOf(rules).map(({ property, value, constraints }) =>
    constraints?.must
      ? `grant.${property}: given ${show(property, value, given)}; expected ${constraints.must}.`
      : `grant.${property}: there is no such option; check its spelling against AuthKitGrantOptions.`,
  );
}

/** Fills in the defaults of options that have no faults. */
export function resolveGrant(given: AuthKitGrantOptions): GrantOptions {
  const secrets = [given.secret].flat();
  return {
    secrets: () => secrets,
    ttl: given.ttl ?? 300,
    url: given.url,
    singleUse: given.singleUse ?? false,
    issuer: given.issuer ?? 'nestjs-pica-authkit',
    audience: given.audience,
  };
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET;
}

/** What was given: of a secret its size alone, and nothing of what holds one by mistake. */
function show(
  property: string,
  value: unknown,
  { secret }: { secret?: unknown },
): string {
  if (property === 'secret') return showSecret(value);
  return showValue(value, [secret].flat());
}

function showSecret(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) {
    return value.length === 0
      ? 'an empty list'
      : `a list of ${value.map(showSecret).join(' and ')}`;
  }
  return typeof value === 'string'
    ? `a string of ${Buffer.byteLength(value)} bytes`
    : `a ${typeof value}`;
}
