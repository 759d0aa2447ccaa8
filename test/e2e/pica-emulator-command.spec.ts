import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';

jest.setTimeout(60_000);

const run = promisify(execFile);

/** The package as it is built, apart from `dist/`, which others may be using. */
let home: string;
let command: string;
beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'pica-emulator-')));
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
  command = join(home, bin['pica-emulator']);
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  await run(process.execPath, [
    ...['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    ...['--outDir', join(home, 'dist/esm')],
  ]);
});

const started = new Set<Emulator>();
afterEach(() => {
  for (const emulator of started) emulator.child.kill('SIGKILL');
  started.clear();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

class Emulator {
  readonly child;
  output = '';
  errors = '';
  private readonly end;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [command, ...args]);
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.output += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.errors += text;
    });
    this.end = once(this.child, 'close');
    started.add(this);
  }

  async url(): Promise<string> {
    while (!this.output.includes('Ctrl+C')) {
      await Promise.race([once(this.child.stdout, 'data'), this.fail()]);
    }
    return / runs at (\S+)/.exec(this.output)![1]!;
  }

  /** The exit code, or the signal that has ended it. */
  async exit(): Promise<unknown> {
    const [code, signal] = await this.end;
    return code ?? signal;
  }

  private async fail(): Promise<never> {
    await this.end;
    throw new Error(`pica-emulator has ended: ${this.errors}`);
  }
}

describe('pica-emulator', () => {
  it('says what to set, serves the API with it, and the widget', async () => {
    const emulator = new Emulator('--port', '0', '--integrations', '3');
    const url = await emulator.url();
    const setting = (name: string) =>
      new RegExp(`^ *${name}=(.*)$`, 'm').exec(emulator.output)?.[1];
    expect(setting('AUTHKIT_BASE_URL')).toBe(url);
    expect(setting('AUTHKIT_ALLOWED_ORIGINS')).toBe(url);
    expect(emulator.output).toContain(`useAuthKit({ baseUrl: '${url}'`);

    const token = await fetch(`${url}/v1/authkit`, {
      method: 'POST',
      headers: { 'x-pica-secret': setting('PICA_SECRET_KEY')! },
      body: '{}',
    });
    expect(await token.json()).toMatchObject({ total: 3 });
    const widget = await fetch(url);
    expect(widget.headers.get('content-type')).toContain('text/html');
  });

  it('is One with a key of your own, if you want', async () => {
    const key = ['--secret-key', 'sk_test_mine'];
    const emulator = new Emulator('--vendor', 'one', '--port=0', ...key);
    const url = await emulator.url();
    expect(emulator.output).toContain('ONE_SECRET_KEY=sk_test_mine');
    expect(emulator.output).toContain('useOneAuth({');
    const token = await fetch(`${url}/v1/authkit/token`, {
      method: 'POST',
      headers: { 'x-one-secret': 'sk_test_mine' },
      body: '{}',
    });
    expect(token.status).toBe(200);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends cleanly on %s',
    async (signal) => {
      const emulator = new Emulator('--port', '0');
      const url = await emulator.url();
      await fetch(url); // which leaves a connection open
      emulator.child.kill(signal);
      expect(await emulator.exit()).toBe(0);
      expect(emulator.errors).toBe('');
      await expect(fetch(url)).rejects.toThrow('fetch failed');
    },
  );

  it('ends with npx, whose shell keeps signals to itself', async () => {
    const shell = spawn(
      'sh',
      ['-c', `"${process.execPath}" "${command}" --port 0; true`],
      { env: { ...process.env, npm_command: 'exec' } },
    );
    let output = '';
    for await (const text of shell.stdout.setEncoding('utf8')) {
      output += text;
      if (output.includes('Ctrl+C')) break;
    }
    const url = / runs at (\S+)/.exec(output)![1]!;
    expect((await fetch(url)).status).toBe(200);
    shell.kill('SIGTERM');
    const answers = () => fetch(url).then(Boolean, () => false);
    while (await answers()) await new Promise((next) => setTimeout(next, 20));
  });

  it('explains itself', async () => {
    const emulator = new Emulator('--help');
    expect(await emulator.exit()).toBe(0);
    const options = ['port', 'integrations', 'latency', 'secret-key', 'vendor'];
    for (const option of options) {
      expect(emulator.output).toContain(`--${option} `);
    }
  });

  it.each([
    { args: ['--prot', '1'], says: "Unknown option '--prot'" },
    { args: ['start'], says: "Unexpected argument 'start'" },
    { args: ['--port'], says: "'--port <value>' argument missing" },
    { args: ['--port', '70000'], says: '--port has to be' },
    { args: ['--integrations', '-1'], says: '--integrations' },
    { args: ['--integrations', 'many'], says: 'not "many"' },
    { args: ['--latency', '1.5'], says: '--latency has to be' },
    { args: ['--vendor', 'two'], says: '--vendor has to be pica or one' },
    { args: ['--secret-key', ''], says: '--secret-key has to be' },
  ])('refuses $args', async ({ args, says }) => {
    const emulator = new Emulator(...args);
    expect(await emulator.exit()).toBe(2);
    expect(emulator.errors).toContain(says);
    expect(emulator.errors).toContain('Usage: pica-emulator');
    expect(emulator.errors).not.toContain('    at ');
  });

  it('says so when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const emulator = new Emulator('--port', `${port}`);
    expect(await emulator.exit()).toBe(1);
    expect(emulator.errors).toContain(
      `port ${port} of 127.0.0.1 cannot be used`,
    );
    expect(emulator.errors).not.toContain('    at ');
    other.close();
  });
});
