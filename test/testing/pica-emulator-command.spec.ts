import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { buildPackage, type BuiltPackage } from '../support/commands.js';

jest.setTimeout(60_000);

let built: BuiltPackage;
let command: string;
beforeAll(() => {
  built = buildPackage();
  command = built.command('pica-emulator');
});

const started = new Set<Emulator>();
afterEach(() => {
  for (const emulator of started) emulator.child.kill('SIGKILL');
  started.clear();
});
afterAll(() => built.remove());

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
  it('prints the settings and the address of its page, and serves the API and the widget', async () => {
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
    const widget = await fetch(`${url}/?data=e30=`);
    expect(await widget.text()).toContain('/widget/main.js');

    const page = /Connections, faults and requests:\s+(\S+)/.exec(
      emulator.output,
    )![1]!;
    expect(page).toBe(`${url}/`);
    expect(await (await fetch(page)).text()).toContain('/emulator/page.js');
  });

  it('emulates One with the given key', async () => {
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
    'exits with code 0 on %s',
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

  it('exits with npx, whose shell passes no signals on', async () => {
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

  it('describes all options with --help', async () => {
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
    {
      args: ['--port', '70000'],
      says: '--port: given 70000; expected a whole number',
    },
    { args: ['--integrations', '-1'], says: '--integrations' },
    {
      args: ['--integrations', 'many'],
      says: "--integrations: given 'many'; expected",
    },
    {
      args: ['--latency', '1.5'],
      says: "--latency: given '1.5'; expected a number",
    },
    {
      args: ['--vendor', 'two'],
      says: "--vendor: given 'two'; expected 'pica' or 'one'",
    },
    {
      args: ['--secret-key', ''],
      says: '--secret-key: given an empty string; expected',
    },
  ])('exits with code 2 and the usage for $args', async ({ args, says }) => {
    const emulator = new Emulator(...args);
    expect(await emulator.exit()).toBe(2);
    expect(emulator.errors).toContain(says);
    expect(emulator.errors).toContain('Usage: pica-emulator');
    expect(emulator.errors).not.toContain('    at ');
  });

  it('exits with code 1 and names the port when it is in use', async () => {
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

describe('PicaEmulator in a process', () => {
  it('does not keep the process alive, even with an open connection and a delayed response', async () => {
    const script = join(built.directory, 'script.js');
    writeFileSync(
      script,
      `import { connect } from 'node:net';
      import { PicaEmulator } from './dist/esm/testing/index.js';

      const pica = await PicaEmulator.start();
      pica.fault({ path: '/slow', delay: 600_000 });
      const client = connect(pica.port, '127.0.0.1');
      client.write('GET /slow HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
      while (pica.requests.length === 0) await new Promise((next) => setTimeout(next, 5));
      client.unref();
      process.exitCode = pica.openConnections === 1 ? 0 : 3;`,
    );
    const child = spawn(process.execPath, [script], {
      stdio: 'inherit',
      timeout: 30_000,
    });
    expect((await once(child, 'close'))[0]).toBe(0);
  });
});
