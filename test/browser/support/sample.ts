import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { PicaEmulator } from '../../../lib/testing/index.js';
import type { Platform } from '../../support/app.js';

/** The built sample, in a process of its own. */
export class Sample {
  /** All that it has printed. */
  output = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
  }

  static async start(
    platform: Platform,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Sample> {
    const args = platform === 'Fastify' ? ['--fastify'] : [];
    const child = spawn(process.execPath, ['sample/dist/main.js', ...args], {
      env: { ...process.env, ...UNSET, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const sample = new Sample(child);
    await sample.started();
    return sample;
  }

  get url(): string {
    return /Its page[^\n]*\s+(http\S+)/.exec(this.output)![1]!;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode) return;
    const end = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await end;
  }

  private async started(): Promise<void> {
    const end = once(this.child, 'close').then(() => {
      throw new Error(`The sample has ended:\n${this.output}`);
    });
    // The process also ends after it has started, when this promise has no handler.
    end.catch(() => {});
    while (!/^curl /m.test(this.output)) {
      await Promise.race([once(this.child.stdout!, 'data'), end]);
    }
  }
}

/** Unsets what the machine or a .env may set: an empty value counts as unset. */
const UNSET = {
  PICA_SECRET_KEY: '',
  ONE_SECRET_KEY: '',
  AUTHKIT_VENDOR: '',
  AUTHKIT_BASE_URL: '',
  AUTHKIT_ALLOWED_ORIGINS: '',
  AUTHKIT_TIMEOUT: '',
  WIDGET_URL: '',
  JWT_SECRET: '',
  AUTHKIT_GRANT_SECRET: '',
};

/** The environment variables that point the sample at an emulator. */
export function environmentFor(pica: PicaEmulator): NodeJS.ProcessEnv {
  const key = pica.vendor === 'one' ? 'ONE_SECRET_KEY' : 'PICA_SECRET_KEY';
  return {
    [key]: pica.secretKey,
    AUTHKIT_BASE_URL: pica.url,
    AUTHKIT_ALLOWED_ORIGINS: pica.url,
    WIDGET_URL: pica.url,
  };
}

/** The integrations that the sample's starter plan offers, which Grace's company has. Ada's has all. */
export const STARTER_PLAN: readonly string[] = [
  'Gmail',
  'Outlook Mail',
  'Slack',
  'Microsoft Teams',
  'Notion',
  'Google Calendar',
  'Outlook Calendar',
  'Google Drive',
  'Dropbox',
  'Stripe',
  'Trello',
  'Airtable',
];
