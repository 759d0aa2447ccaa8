import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { AuthKitException, formatFailure } from '../authkit.exception.js';
import { RequestRunner, type Session } from '../core/request-runner.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { fetchPages } from '../pica/fetch-pages.js';
import { isRecord } from '../pica/json-checks.js';
import type { TokenPage } from '../pica/parse-page.js';
import { PicaApi } from '../pica/pica-api.js';
import { sharesPart } from '../pica/upstream-error.js';
import { MAX_PAGE_SIZE, VENDORS, type Vendor } from '../vendors/index.js';
import { ok, unchecked, wrong, type Finding, type Section } from './report.js';

/** A secret key to check. */
export interface KeySettings {
  /** The options of the environment. */
  readonly options: ResolvedOptions;
  /** Where the key comes from, e.g. `PICA_SECRET_KEY`. */
  readonly source: string;
  /** The timeout of each call in ms. */
  readonly timeout: number;
}

/**
 * Checks a secret key by calls that change nothing.
 *
 * @param app has the module, registered with this key and without retries
 */
export async function checkKey(
  app: INestApplicationContext,
  settings: KeySettings,
): Promise<Section> {
  return {
    title: titleOf(settings.options),
    findings: await new KeyCheck(app, settings).run(),
  };
}

/** The title of a section about a vendor's API. */
export function titleOf({ vendor, baseUrl }: ResolvedOptions): string {
  return `${VENDORS[vendor].displayName}, ${baseUrl}`;
}

/** The result of a call, or why there is none. */
type Outcome<T> =
  { readonly value: T } | { readonly failure: AuthKitException };

class KeyCheck {
  readonly #secretKey: string;
  private readonly api: PicaApi;
  private readonly runner: RequestRunner;
  private readonly vendor: Vendor;
  private readonly options: ResolvedOptions;
  private readonly source: string;
  private readonly timeout: number;
  /** How long each call took, in ms. */
  private readonly durations: number[] = [];

  constructor(
    app: INestApplicationContext,
    { options, source, timeout }: KeySettings,
  ) {
    this.#secretKey = options.secretKey.reveal() as string;
    this.api = app.get(PicaApi);
    this.runner = app.get(RequestRunner);
    this.vendor = VENDORS[options.vendor];
    this.options = options;
    this.source = source;
    this.timeout = timeout;
  }

  async run(): Promise<Finding[]> {
    const token = await outcomeOf(this.fetchToken());
    if ('failure' in token) return [this.keyFailure(token.failure)];
    return [
      ok('Secret key', `accepted, from ${this.source}`),
      this.checkEnvironment(token.value),
      ...(await this.checkAccount()),
      this.checkIntegrations(token.value),
      await this.checkWhiteLabel(token.value),
      await this.checkIdentityFilter(),
      this.checkDurations(),
    ];
  }

  /** Makes one call, with a deadline of its own. */
  private async call<T>(make: (session: Session) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await this.runner.run(
        { outcome: 'Check failed', identity: undefined },
        make,
      );
    } finally {
      this.durations.push(performance.now() - startedAt);
    }
  }

  private fetchToken(): Promise<TokenPage[]> {
    return fetchPages((page) => {
      const place = { page, limit: MAX_PAGE_SIZE };
      return this.call((session) => this.api.tokenPage(session, place, {}));
    }, this.options[LIMITS]);
  }

  private keyFailure(failure: AuthKitException): Finding {
    return wrong(
      'Secret key',
      failure.reason === 'secret_rejected'
        ? `refused, from ${this.source}: ${formatFailure(failure)}`
        : `not checked: ${formatFailure(failure)}`,
      this.adviceFor(failure),
    );
  }

  private adviceFor(failure: AuthKitException): string {
    const { reason, upstreamCode, upstreamStatus, retryAfter } = failure;
    const { displayName } = this.vendor;
    const { baseUrl } = this.options;
    switch (reason) {
      case 'secret_rejected':
        return `Copy the key again from the dashboard of ${displayName} into ${this.source}. It may be revoked, or of the other service (AUTHKIT_VENDOR). A new key may need a minute.`;
      case 'quota_exceeded':
        return `Raise the quota of the plan in the dashboard of ${displayName}.`;
      case 'rate_limited':
        return `Run this again in ${retryAfter ?? 60} s.`;
      case 'timed_out':
        return `There is no response within ${this.timeout} ms. Check the network and proxies (HTTPS_PROXY), or pass a longer --timeout.`;
      case 'malformed':
      case 'rejected':
        return `This is not a response of ${displayName}'s API. Check AUTHKIT_BASE_URL, AUTHKIT_VENDOR and proxies.`;
      default:
        if (upstreamStatus)
          return `${displayName} has a failure. Run this again later.`;
        return /CERT|SIGN|TLS|ISSUER|VERIFY/.test(upstreamCode ?? '')
          ? 'The certificate is not accepted. Behind a proxy of your company, set NODE_EXTRA_CA_CERTS.'
          : `${baseUrl} cannot be reached. Check AUTHKIT_BASE_URL, the network, and proxies (HTTPS_PROXY).`;
    }
  }

  private checkEnvironment(pages: readonly TokenPage[]): Finding {
    const name = 'Environment';
    const [, ofKey] = /^sk_(test|live)_/.exec(this.#secretKey) ?? [];
    const ofRows = new Set(
      rowsOf(pages).flatMap(({ environment }) =>
        environment === 'test' || environment === 'live' ? [environment] : [],
      ),
    );
    const [only] = ofRows;
    const environment = ofKey ?? (ofRows.size === 1 ? only : undefined);
    if (!environment) return unchecked(name, 'not said by the key');
    if ([...ofRows].every((each) => each === environment)) {
      return ok(name, environment);
    }
    return wrong(
      name,
      `${environment}, but some integrations are of the other environment`,
      `Ask the support of ${this.vendor.displayName}: a ${environment} key offers integrations of ${environment}.`,
    );
  }

  /** The organization and project of the key. Nothing of the person that owns it. */
  private async checkAccount(): Promise<Finding[]> {
    if (!this.vendor.whoamiPath) return [];
    const outcome = await outcomeOf(
      this.call((session) => this.api.whoami(session)),
    );
    if ('failure' in outcome) {
      return [unchecked('Account', formatFailure(outcome.failure))];
    }
    const { user, organization, project } = outcome.value;
    const describe = (value: unknown, none: string) =>
      isRecord(value) ? describeTenant(value, user, this.#secretKey) : none;
    return [
      ok('Organization', describe(organization, 'none: a personal key')),
      ok('Project', describe(project, 'none: the key is for all projects')),
    ];
  }

  private checkIntegrations(pages: readonly TokenPage[]): Finding {
    const name = 'Integrations';
    const rows = rowsOf(pages);
    const active = rows.filter((row) => row.active === true).length;
    const { displayName } = this.vendor;
    if (rows.length === 0) {
      return wrong(
        name,
        'none',
        `Enable integrations in the dashboard of ${displayName}, or take the key of the other environment (test or live).`,
      );
    }
    const text = `${rows.length}, of which ${active} ${active === 1 ? 'is' : 'are'} active`;
    return active > 0
      ? ok(name, text)
      : wrong(
          name,
          text,
          `Activate integrations in the dashboard of ${displayName}.`,
        );
  }

  private async checkWhiteLabel(pages: readonly TokenPage[]): Promise<Finding> {
    const name = 'White label';
    const { flagsPath, displayName } = this.vendor;
    const outcome: Outcome<boolean> = flagsPath
      ? await outcomeOf(this.call((session) => this.api.flags(session)))
      : { value: pages[0]?.fields.get('isWhiteLabel') === 'true' };
    if ('failure' in outcome) {
      return wrong(
        name,
        formatFailure(outcome.failure),
        `The token works, and the widget shows the name of ${displayName}. ${this.adviceFor(outcome.failure)}`,
      );
    }
    return ok(
      name,
      outcome.value
        ? `yes: the widget hides the name of ${displayName}`
        : `no: the widget shows the name of ${displayName}`,
    );
  }

  /** Whether the filter `identity` of the list of connections selects by the identity of the token. */
  private async checkIdentityFilter(): Promise<Finding> {
    const name = 'Connections';
    const outcome = await outcomeOf(this.probeIdentityFilter());
    if ('failure' in outcome) {
      return wrong(
        name,
        formatFailure(outcome.failure),
        this.adviceFor(outcome.failure),
      );
    }
    const { displayName } = this.vendor;
    const protection =
      'AuthKitConnectionsService compares the owner of every row, so that nobody sees the connections of others. Your own calls have to do the same.';
    switch (outcome.value) {
      case 'obeyed':
        return ok(name, 'the list obeys its identity filter');
      case 'none':
        return unchecked(
          name,
          'not checked: there is none with an identity yet',
        );
      case 'ignored':
        return wrong(
          name,
          'the list does not obey its identity filter: it gives those of others',
          `${protection} Report it to the support of ${displayName}.`,
        );
      case 'other':
        return wrong(
          name,
          'the list does not obey its identity filter: it finds none for an identity that has some',
          `It may mean the user at the platform, such as an address, and not the identity of the token. AuthKitConnectionsService then finds no connections. Report it to the support of ${displayName}.`,
        );
    }
  }

  private async probeIdentityFilter(): Promise<
    'obeyed' | 'none' | 'ignored' | 'other'
  > {
    const [all, ofNobody] = [
      await this.listConnections(),
      await this.listConnections(`authkit-doctor-${randomUUID()}`),
    ];
    if (ofNobody.length > 0) return 'ignored';
    // A comma would separate two identities.
    const known = all.find(
      ({ identity }) =>
        typeof identity === 'string' && /^[^,]{1,256}$/.test(identity),
    );
    if (!known) return 'none';
    const found = await this.listConnections(known.identity as string);
    if (found.some(({ identity }) => identity !== known.identity)) {
      return 'ignored';
    }
    return found.length > 0 ? 'obeyed' : 'other';
  }

  private async listConnections(identity?: string) {
    const filter: Record<string, string> = identity ? { identity } : {};
    const { rows } = await this.call((session) =>
      this.api.listConnections(session, filter, 1),
    );
    return rows;
  }

  private checkDurations(): Finding {
    const name = 'Time';
    const { attemptTimeout } = this.options;
    const { durations } = this;
    const shortest = Math.round(Math.min(...durations));
    const longest = Math.round(Math.max(...durations));
    const text = `${shortest} to ${longest} ms per call, ${durations.length} calls`;
    return longest <= attemptTimeout
      ? ok(name, text)
      : wrong(
          name,
          text,
          `A call that takes longer than attemptTimeout (${attemptTimeout} ms) fails: check the network, or raise attemptTimeout and timeout.`,
        );
  }
}

async function outcomeOf<T>(result: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await result };
  } catch (failure) {
    if (failure instanceof AuthKitException) return { failure };
    throw failure;
  }
}

function rowsOf(pages: readonly TokenPage[]): Record<string, unknown>[] {
  return pages.flatMap(
    ({ rows }) =>
      JSON.parse(`[${rows.toString()}]`) as Record<string, unknown>[],
  );
}

/**
 * The name and the id of an organization or a project. A name that repeats a
 * part of the key, or the name of the person that owns it, is left out.
 */
function describeTenant(
  { id, name }: Record<string, unknown>,
  user: unknown,
  secretKey: string,
): string {
  const isShown = (text: unknown): text is string =>
    typeof text === 'string' &&
    // No control characters: they could rewrite the report.
    /^[^\p{C}]{1,100}$/u.test(text) &&
    !sharesPart(text, secretKey);
  const shown = [
    isShown(name) && !namesPerson(name, user) && name,
    isShown(id) && /^[\w-]+$/.test(id) && `(${id})`,
  ].filter(Boolean);
  return shown.join(' ') || 'yes';
}

/** Whether a text has an address, or a word of the name or address of a user. */
function namesPerson(text: string, user: unknown): boolean {
  const { name, email } = isRecord(user) ? user : {};
  const words = [
    ...String(name ?? '').split(/\s+/),
    String(email ?? '').split('@')[0]!,
  ];
  return (
    text.includes('@') ||
    words.some(
      (word) =>
        word.length >= 3 && text.toLowerCase().includes(word.toLowerCase()),
    )
  );
}
