import { PLATFORMS, startApp, type TestOptions } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  ONE_WIDGET,
  preflight,
  requestToken,
  WIDGET,
} from '../support/http.js';

const one = useEmulator({ vendor: 'one', whiteLabel: true });

describe.each(PLATFORMS)(
  "the token endpoint for vendor 'one' on %s",
  (platform) => {
    const start = async (options?: TestOptions) =>
      (await startApp({ pica: one, platform, options })).tokenUrl;

    it('forwards the page that the widget requests, in one request with the header of One', async () => {
      const url = await start();
      const response = await requestToken(`${url}?page=2&limit=100`, {
        origin: ONE_WIDGET,
      });
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject({
        page: 2,
        pages: 3,
        total: 247,
        isWhiteLabel: true,
      });
      expect(response.body.rows).toEqual(one.rows.slice(100, 200));
      expect(response.headers.get('access-control-allow-origin')).toBe(
        ONE_WIDGET,
      );
      expect(one.requests).toMatchObject([
        {
          method: 'POST',
          path: '/v1/authkit/token',
          query: { limit: '100', page: '2' },
          headers: { 'x-one-secret': one.secretKey },
        },
      ]);
      expect(one.requests[0]?.headers).not.toHaveProperty('x-pica-secret');
    });

    it.each([
      '?page=null&limit=null',
      '?page=abc&limit=-5',
      '?page=&limit=1e3',
      '?page[]=2',
      '',
    ])(
      'returns all rows and forwards nothing of the query when it is "%s", without a page number',
      async (query) => {
        const response = await requestToken(`${await start()}${query}`, {
          origin: ONE_WIDGET,
        });
        expect(response.status).toBe(200);
        expect(response.body).toMatchObject({
          page: 1,
          pages: 1,
          total: 247,
          isWhiteLabel: true,
        });
        expect(response.body.rows).toEqual(one.rows);
        const queries = one.requests.map((request) => request.query);
        expect(queries).toHaveLength(2);
        for (const { page, limit } of queries) {
          expect(page).toMatch(/^[12]$/);
          expect(limit).toBe('150');
        }
      },
    );

    it("returns all rows as one page with paging: 'all', whatever page is requested", async () => {
      const url = await start({ paging: 'all' });
      const response = await requestToken(`${url}?page=2&limit=100`, {
        origin: ONE_WIDGET,
      });
      expect(response.body.rows).toHaveLength(247);
      expect(one.requests).toHaveLength(2);
    });

    it('allows the origin of the widget of One and not that of Pica', async () => {
      const url = await start();
      const ofOne = await preflight(url, { origin: ONE_WIDGET });
      const ofPica = await preflight(url, { origin: WIDGET });
      expect(ofOne.headers.get('access-control-allow-origin')).toBe(ONE_WIDGET);
      expect(ofPica.headers.has('access-control-allow-origin')).toBe(false);
    });
  },
);
