import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { GRANT_SECRET } from '../support/grants.js';
import { WIDGET } from '../support/http.js';
import { runInNode } from '../support/run-in-node.js';
import { writeSnippet } from '../support/snippets.js';

const GUIDE = 'docs/throttling.md';

interface PrintedResponse {
  status: number;
  headers: Record<string, string>;
  // The JSON of any route.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

const pica = useEmulator();

it.each(PLATFORMS)(
  'the recipes for a throttler, CSRF protection, helmet and compression work together on %s',
  async (platform) => {
    const printed = await runInNode(
      'secured-app.ts',
      platform,
      pica.url,
      pica.secretKey,
      GRANT_SECRET,
      writeSnippet(GUIDE, 'authkit-throttler.guard.ts'),
      writeSnippet(GUIDE, `secure-${platform.toLowerCase()}.ts`),
    );
    const responses: Record<string, PrintedResponse> = JSON.parse(printed);
    const statuses = Object.entries(responses).map(([name, { status }]) => [
      name,
      status,
    ]);
    expect(Object.fromEntries(statuses)).toEqual({
      'ada 1': 200,
      'ada 2': 200,
      grant: 200,
      'ada 3': 200,
      'ada 4': 429,
      bob: 200,
      'nobody 1': 401,
      'nobody 2': 401,
      'nobody 3': 401,
      'nobody 4': 401,
      preflight: 204,
      'grant for a foreign page': 403,
      'deletion by a foreign page': 403,
      list: 200,
    });

    const refused = responses['ada 4']!;
    expect(refused.body).toEqual({
      statusCode: 429,
      message: 'Too many requests. Please try again in a minute.',
      error: 'Too Many Requests',
      reason: 'rate_limited',
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);

    for (const name of ['ada 1', 'ada 4', 'nobody 1', 'preflight']) {
      expect({ name, ...responses[name]!.headers }).toMatchObject({
        name,
        'access-control-allow-origin': WIDGET,
        'cache-control': 'no-store',
      });
      expect(responses[name]!.headers).not.toHaveProperty(
        'access-control-allow-credentials',
      );
    }
    for (const name of ['ada 1', 'ada 4', 'nobody 1']) {
      expect({ name, ...responses[name]!.headers }).toMatchObject({
        name,
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin-allow-popups',
        'content-security-policy': expect.stringContaining(WIDGET),
      });
    }
    expect(refused.headers['access-control-expose-headers']).toBe(
      'Retry-After',
    );

    const token = responses['ada 1']!;
    expect(token.body).toEqual({ rows: 247 });
    expect(token.headers['content-encoding']).toMatch(/gzip|br|deflate/);
    expect(token.headers.vary).toMatch(/\borigin\b/i);
    expect(token.headers.vary).toMatch(/\baccept-encoding\b/i);
  },
  60_000,
);
