import { describe, expect, it } from '@jest/globals';
import { useEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';

/** What upstream may do with connections, by the faults that there are. */
const pica = useEmulator();

const LIST = '/v1/vault/connections';

async function call(path: string) {
  const headers = { 'x-pica-secret': pica.secretKey };
  return readResponse(await fetch(`${pica.url}${path}`, { headers }));
}

async function idsOnPage(page: number): Promise<string[]> {
  const { body } = await call(`${LIST}?limit=2&page=${page}`);
  expect(body).toMatchObject({ total: 6, pages: 3, page });
  return body.rows.map(({ id }: { id: string }) => id);
}

describe('the list of connections', () => {
  it('may have an empty page in the middle', async () => {
    const ids = Array.from(
      { length: 6 },
      () => pica.connect('ada', 'gmail').id,
    );
    pica.fault({
      path: LIST,
      page: 2,
      transform: (body) => ({ ...body, rows: [] }),
    });
    const pages = [];
    for (const page of [1, 2, 3]) pages.push(await idsOnPage(page));
    expect(pages).toEqual([ids.slice(0, 2), [], ids.slice(4)]);
  });

  it('may have rows without dates, and old ones', async () => {
    const createdAt = '2020-01-01T00:00:00.000Z';
    pica.connect('ada', 'gmail', { createdAt });
    pica.connect('ada', 'gmail', { createdAt: '' });
    const { rows } = (await call(LIST)).body;
    expect(rows[0].createdAt).toBe(createdAt);
    expect(rows[1]).not.toHaveProperty('createdAt');
    expect(() => pica.connect('ada', 'gmail', { createdAt: 'x' })).toThrow(
      /createdAt: given 'x'; expected a date-time string/,
    );
  });
});

describe('a DELETE', () => {
  it.each([
    ['404', { status: 404 }, 404],
    ['200', { body: '' }, 200],
  ])('may respond with %s and keep the row', async (_name, effect, status) => {
    const { id } = pica.connect('ada', 'gmail');
    pica.fault({ method: 'DELETE', ...effect });
    const response = await fetch(`${pica.url}${LIST}/${id}`, {
      method: 'DELETE',
      headers: { 'x-pica-secret': pica.secretKey },
    });
    expect(response.status).toBe(status);
    expect((await call(LIST)).body.rows).toMatchObject([{ id }]);
    expect((await call(`${LIST}/${id}`)).status).toBe(200);
  });
});
