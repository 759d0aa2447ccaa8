import { readFileSync } from 'node:fs';
import { startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  preflight,
  readResponse,
  requestGrant,
  requestToken,
} from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

/** The figures of SECURITY.md under "Data that is never logged or exposed". */
function figures(): { warnings: number; length: number; places: number } {
  const text = readFileSync('SECURITY.md', 'utf8');
  const [, warnings, length] =
    /at most (\d+) warnings an hour, each of at most (\d+) characters/.exec(
      text,
    ) ?? [];
  const [, places] = /There are (\d+) such places/.exec(text) ?? [];
  return {
    warnings: Number(warnings),
    length: Number(length),
    places: Number(places),
  };
}

/** More different values than one place may log. */
const FLOOD = 25;

/** As long as a host may be. */
const label = 'x'.repeat(60);
const long = [label, label, label, label].join('.');

describe('the figures of SECURITY.md for the log', () => {
  const pica = useEmulator({ integrations: 1 });

  it('hold while a client sends other origins, hosts and forwarding headers in each request', async () => {
    const { url, tokenUrl } = await startApp({
      pica,
      controller: { grants: 'optional', connections: true },
    });
    const connections = `${url}/authkit-connections`;
    const warnings = captureWarnings();
    const { warnings: perPlace, length, places } = figures();

    for (let count = 0; count < FLOOD; count += 1) {
      const origin = `https://${count}.${long}`;
      await preflight(tokenUrl, { origin });
      await requestToken(tokenUrl, { origin });
      await requestGrant(tokenUrl, { origin, 'sec-fetch-site': 'cross-site' });
      await requestGrant(tokenUrl, {
        'x-forwarded-host': `${count}.${long}`,
        'x-forwarded-proto': `${count}${long}`,
        'x-forwarded-prefix': `/${count}/${long}`,
      });
      await preflight(connections, { origin });
      await readResponse(await fetch(connections, { headers: { origin } }));
    }

    const lengths = warnings.map((line) => line.length);
    const countOf = new Map<string, number>();
    for (const line of warnings) {
      const text = line.replaceAll(/\S*x{10}\S*/g, '…');
      countOf.set(text, (countOf.get(text) ?? 0) + 1);
    }
    expect(Math.max(...countOf.values())).toBe(perPlace);
    expect(warnings.length).toBeLessThanOrEqual(perPlace * places);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(length);
    expect(warnings.join('')).not.toMatch(new RegExp(`x{60}.x{40}`));
  });
});
