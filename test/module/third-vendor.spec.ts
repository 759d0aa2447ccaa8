import { startServer } from '../support/server.js';
// A third vendor is a file of data and its entry: both are here, before the module is loaded.
import { VENDORS, type Vendor } from '../../lib/vendors/index.js';

const acme = {
  ...VENDORS.one,
  displayName: 'Acme',
  baseUrl: 'https://api.acme.example',
  secretKeyEnv: 'ACME_SECRET_KEY',
  secretHeader: 'X-Acme-Secret',
  widgetOrigin: 'https://widget.acme.example',
  paging: 'all',
  tokenPath: '/v9/tokens',
  flagsPath: '/v9/flags',
  connectionsPath: '/v9/connections',
  hasActiveFilter: true,
} satisfies Vendor;
Object.assign(VENDORS, { acme });

const { AuthKitConnectionsService } = await import('../../lib/index.js');
const { startApp } = await import('../support/app.js');
const { requestToken } = await import('../support/http.js');

describe('a third vendor', () => {
  const json = { 'content-type': 'application/json' };
  const PAGE = { total: 1, pages: 1, page: 1 };
  const CONNECTION = {
    ...{ id: 'c1', key: 'acme::gmail::1', platform: 'gmail', identity: 'ada' },
    ...{ name: 'Work', state: 'operational', tags: [], environment: 'test' },
    ...{ createdAt: '2026-01-01T00:00:00.000Z', identityType: 'user' },
  };
  const replies: Record<string, object> = {
    '/v9/tokens': { rows: [{ id: 1, title: 'Gmail' }], ...PAGE },
    '/v9/flags': { authkitWhitelist: true },
    '/v9/connections': { rows: [CONNECTION], ...PAGE },
  };

  it('serves tokens and connections by its own paths, header and widget', async () => {
    const calls: string[] = [];
    const url = await startServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://127.0.0.1');
      const key = String(request.headers['x-acme-secret']);
      calls.push(`${request.method} ${pathname} ${key}`);
      response.writeHead(200, json).end(JSON.stringify(replies[pathname]));
    });
    const { tokenUrl, get } = await startApp({
      pica: { secretKey: 'sk_test_acme', vendor: 'acme' as 'one', url },
    });
    const { status, body, headers } = await requestToken(tokenUrl, {
      origin: acme.widgetOrigin,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rows: [{ id: 1, title: 'Gmail' }],
      isWhiteLabel: true,
    });
    expect(headers.get('access-control-allow-origin')).toBe(acme.widgetOrigin);
    const { rows } = await get(AuthKitConnectionsService).list({
      identity: 'ada',
    });
    expect(rows).toMatchObject([{ id: 'c1', platform: 'gmail' }]);
    expect(new Set(calls)).toEqual(
      new Set([
        'POST /v9/tokens sk_test_acme',
        'GET /v9/flags sk_test_acme',
        'GET /v9/connections sk_test_acme',
      ]),
    );
  });
});
