import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';

const run = promisify(execFile);
const pica = useEmulator();

describe.each(PLATFORMS)('authkit-doctor with the sample on %s', (platform) => {
  const sample = useSample(platform, () => environmentFor(pica));

  it('says that nothing is wrong', async () => {
    const session = await fetch(`${sample.url}/auth/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"ada"}',
    });
    const [cookie = ''] = session.headers.get('set-cookie')!.split(';');
    const grant = await fetch(`${sample.url}/authkit-token/grant`, {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    });
    const { url, headers } = await grant.json();
    pica.connect('usr_1815', 'gmail');

    const { stdout } = await run(
      process.execPath,
      [
        'dist/esm/doctor/authkit-doctor.js',
        ...['--endpoint', url],
        ...['--header', `authorization: ${headers.Authorization}`],
      ],
      { env: { ...process.env, ...environmentFor(pica) } },
    );
    expect(stdout).toContain('Nothing is wrong.');
    expect(stdout.match(/✓/g)).toHaveLength(13);
    expect(stdout).not.toContain(headers.Authorization.slice(7));
  });
});
