import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { startEmulator } from '../support/emulator.js';

/** Runs `npm run test:contract` with nothing else in its environment. */
async function runContract(env: Record<string, string>) {
  const child = spawn(process.execPath, ['test/contract/contract.js'], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

const ofPica = (pica: PicaEmulator) => ({
  PICA_SECRET_KEY: pica.secretKey,
  PICA_BASE_URL: pica.url,
});

describe('the contract with the real services', () => {
  it('is skipped, and says so, without a key', async () => {
    expect(await runContract({})).toEqual({
      code: 0,
      output: 'Pica: skipped: no key\nOne: skipped: no key\n',
    });
  });

  it.each([
    ['pica', 'PICA', 'Pica'],
    ['one', 'ONE', 'One'],
  ] as const)(
    'is kept by the emulator of %s',
    async (vendor, prefix, service) => {
      const pica = await startEmulator({ vendor });
      pica.connect('ada', 'gmail');
      const { code, output } = await runContract({
        [`${prefix}_SECRET_KEY`]: pica.secretKey,
        [`${prefix}_BASE_URL`]: pica.url,
      });
      expect(output).toContain(`${service}: token: 200`);
      expect(output).toContain(`${service}: connections: 200`);
      expect(output).not.toContain('BROKEN');
      expect(code).toBe(0);
    },
  );

  it('is broken by a documented field that is missing, and names the field and no value', async () => {
    const pica = await startEmulator();
    const [row] = pica.rows;
    pica.fault({
      path: '/v1/authkit',
      body: { rows: [{ ...row, title: 7 }], total: 1, pages: 1, page: 1 },
    });
    const { code, output } = await runContract(ofPica(pica));
    expect(output).toContain('BROKEN: title is number, not string');
    expect(output).toContain('BROKEN: requestId is undefined');
    expect(output).not.toContain(String(row!.id));
    expect(code).toBe(1);
  });

  it('never prints a key, be it refused or the service out of reach', async () => {
    const pica = await startEmulator();
    const key = 'sk_test_of_somebody';
    for (const url of [pica.url, 'http://127.0.0.1:1']) {
      const { code, output } = await runContract({
        PICA_SECRET_KEY: key,
        PICA_BASE_URL: url,
      });
      expect(output).toMatch(/Pica: token: (?:401|no response)/);
      expect(output).not.toContain(key);
      expect(code).toBe(1);
    }
  });
});
