import { inspect } from 'node:util';
import { startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { captureOutput } from '../support/mocks.js';

const KEY = 'sk_live_1_Qx7Rt9Wm2Kp4Zv8Ny6Bc';
const IDENTITY = 'ada.lovelace@acme.example';

const pica = useEmulator({ secretKey: KEY, integrations: 1 });

/** What the app shows of a failed token whose upstream response has this correlation id. */
async function shown(
  correlationId: string,
  fault: { status: number; body?: string },
) {
  const output = captureOutput();
  const { tokens, tokenUrl } = await startApp({
    pica,
    options: { retries: 1 },
    logs: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'],
  });
  pica.fault({
    path: '/v1/authkit',
    headers: { 'x-one-correlation-id': correlationId },
    ...fault,
  });
  const error: unknown = await tokens
    .create({ identity: IDENTITY })
    .catch((failure: unknown) => failure);
  const response = await requestToken(tokenUrl, {
    headers: { authorization: `Bearer ${IDENTITY}` },
  });
  expect(response.status).toBe(502);
  return [
    output(),
    inspect(error, { depth: 10, showHidden: true }),
    response.text,
    [...response.headers].join(),
  ].join('\n');
}

const PARTS: Record<string, string> = {
  'the key': KEY,
  'the key in lower case': KEY.toLowerCase(),
  'the key in upper case within an id': `req:${KEY.toUpperCase()}:1`,
  'the end of the key': KEY.slice(-8),
  'the middle of the key': `id-${KEY.slice(10, 20)}.7`,
  'a part of the key in lower case': KEY.slice(12, 22).toLowerCase(),
  'the key with other separators': KEY.replaceAll('_', '-'),
  'the identity': 'ada.lovelace:acme.example',
  'a part of the identity': 'req-LOVELACE',
  'the key in groups': KEY.match(/.{1,4}/g)!.join('-'),
};

describe.each(Object.entries(PARTS))('a correlation id with %s', (_, id) => {
  it.each([
    ['status 500', { status: 500 }],
    ['status 401', { status: 401 }],
    ['an invalid body', { status: 200, body: '{"rows":' }],
  ])('reaches no log line, error or response with %s', async (_name, fault) => {
    const text = await shown(id, fault);
    expect(text).toMatch(/upstream status \d+/);
    expect(text.toLowerCase()).not.toContain(id.toLowerCase());
    expect(text).not.toContain('correlation id');
  });
});

it.each([
  '4f9c7a1e-0b6d-4c55-9f3e-2d8a6b1c0e77',
  'live-1.req:42',
  '0Af7651916cd43dd8448eb211c80319c',
])('the correlation id %s is logged and kept', async (id) => {
  const text = await shown(id, { status: 500 });
  expect(text).toContain(`correlation id ${id}`);
  expect(text).toContain(`correlationId: '${id}'`);
});
