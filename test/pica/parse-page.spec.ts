import { jest } from '@jest/globals';
import fc from 'fast-check';
import type { AuthKitTokenService } from '../../lib/index.js';
import { createTokenService, reasonOf } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';

const pica = useEmulator();

/** Creates a token from one page with a body. */
function parse(tokens: AuthKitTokenService, body: string) {
  pica.fault({ path: '/v1/authkit', times: 1, body });
  return tokens.create({ identity: 'ada' }, { page: 1, limit: 100 });
}

describe('a page of the upstream', () => {
  it.each<[string, string]>([
    ['with rows, total and pages', '{"rows":[{"id":1}],"total":1,"pages":1}'],
    ['with an empty list of rows', '{"rows":[],"total":0,"pages":0}'],
    [
      'with an empty list of rows and white space',
      '{"rows":[ \n],"total":0,"pages":0}',
    ],
    ['with rows at its end', '{"pages":1,"rows":[{"id":1},{"id":2}]}'],
    [
      'with white space between all tokens',
      '{ "rows" : [ { "id" : 1 } ] , "pages" : 1 }',
    ],
    [
      'with another list after the rows',
      '{"rows":[{"id":1}],"pages":1,"more":[2,3]}',
    ],
    [
      'with a bracket in a string after the rows',
      '{"rows":[{"id":1}],"pages":1,"a":"]"}',
    ],
    ['with brackets in rows', '{"rows":[{"a":"]}],","b":[[]]}],"pages":1}'],
    ['with nested rows', '{"x":{"rows":[1]},"rows":[{"id":2}],"pages":1}'],
    ['with rows twice', '{"rows":[{"id":1}],"pages":1,"rows":[{"id":2}]}'],
    ['with a total twice', '{"rows":[{"id":1}],"total":5,"total":1,"pages":1}'],
    [
      'with an escaped key',
      '{"rows":[{"id":1}],"pages":1,"r\\u006fws":[{"id":2}]}',
    ],
    [
      'with non-ASCII characters and a lone surrogate',
      '{"rows":[{"t":"Été ✓ 🚀 \\ud800"}],"pages":1,"é":"✓"}',
    ],
  ])('%s is parsed like JSON.parse parses it', async (_name, text) => {
    const tokens = await createTokenService(pica);
    expect(await parse(tokens, text)).toEqual({
      ...JSON.parse(text),
      isWhiteLabel: false,
    });
  });

  it('with any fields and any white space is parsed like JSON.parse parses it', async () => {
    const tokens = await createTokenService(pica);
    const object = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue({ maxDepth: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        object,
        fc.array(object),
        object,
        fc.constantFrom(undefined, 1, '\t'),
        async (before, rows, after, space) => {
          const page = { ...before, rows, ...after, rows2: rows };
          const counts = { total: 1, page: 1, pages: 1 };
          const bodies = [
            JSON.stringify({ ...page, ...counts, rows }, null, space),
            JSON.stringify({ rows, ...after, ...counts, rows2: 0 }),
          ].map((body) => body.replace(/__proto__/g, 'proto'));
          for (const body of bodies) {
            const parsed = JSON.parse(body);
            // `after` may have replaced the rows, and such a page is rejected.
            if (!isListOfObjects(parsed.rows)) continue;
            expect(await parse(tokens, body)).toEqual({
              ...parsed,
              isWhiteLabel: false,
            });
          }
        },
      ),
    );
  }, 20_000);

  it('keeps the text of its rows byte for byte', async () => {
    const rows =
      '{"id":12345678901234567890,"a":1.0,"b":1e3,"t":"\\u00e9/\\/"} , {"id":2}';
    pica.fault({ path: '/v1/authkit', body: `{"rows":[${rows}],"pages":1}` });
    const tokens = await createTokenService(pica);
    const token = await tokens.createJson(
      { identity: 'ada' },
      { page: 1, limit: 100 },
    );
    expect(token.toString()).toContain(`"rows":[${rows}]`);
  });

  it.each([
    '{"rows":[],}',
    '{"rows":[{"id":1},],"pages":1}',
    '{"rows":[{"id":1}]"pages":1}',
    '{"rows":[{"id":1}],"pages":1}}',
    '{"rows":[{"id":1}],"pages":1} x',
    '{"rows":[{"id":1}]',
    '{"rows":[',
    '{"rows":[]]',
    '[]',
    '',
  ])('is rejected as malformed when it is not JSON: %s', async (text) => {
    const tokens = await createTokenService(pica);
    expect(await reasonOf(parse(tokens, text))).toBe('malformed');
  });

  it.each(
    [
      '{"rows":[1],"pages":1}',
      '{"rows":[[]],"pages":1}',
      '{"rows":[null],"pages":1}',
      '{"rows":[{"id":1}],"rows":5,"pages":1}',
      '{"rows":[{"__proto__":{}}],"pages":1}',
      '{"rows":[],"pages":1,"__proto__":{}}',
      `{"rows":[{"a":${'['.repeat(99)}${']'.repeat(99)}}],"pages":1}`,
      `{"rows":[],"pages":1,"a":${'{"b":'.repeat(99)}1${'}'.repeat(99)}}`,
      `{"pages":1,"rows":[${'['.repeat(1e5)}${']'.repeat(1e5)}]}`,
      `{"rows":[${'{},'.repeat(1_000)}{}],"pages":1}`,
      '{"rows":{},"pages":1}',
      '{"rows":[]}',
      '{"rows":[],"pages":-1}',
      '{"rows":[],"pages":1.5}',
      '{"rows":[],"pages":"1"}',
      '{"rows":[],"pages":1,"total":-1}',
    ].map((text) => [text.slice(0, 60), text]),
  )(
    'is rejected as malformed when it is JSON and not a valid page: %s',
    async (_start, text) => {
      const tokens = await createTokenService(pica);
      expect(await reasonOf(parse(tokens, text))).toBe('malformed');
    },
  );
});

describe('rows that Pica sends again', () => {
  /** Longer than what is parsed anew each time. */
  const title = 'x'.repeat(5_000);
  const page = (row: string, requestId = 1) =>
    `{"rows":[{"id":1},${row}],"total":2,"pages":1,"requestId":${requestId}}`;
  const row = `{"title":"${title}"}`;
  const known = page(row);

  /** Creates a token from one page. */
  const createJson = async (tokens: AuthKitTokenService, body: string) => {
    pica.fault({ path: '/v1/authkit', page: 1, times: 1, body });
    return String(await tokens.createJson({ identity: 'ada' }));
  };

  /** Returns how often the rows are parsed while a token is created. */
  const countParses = async (
    tokens: AuthKitTokenService,
    body: string,
  ): Promise<number> => {
    const parse = jest.spyOn(JSON, 'parse');
    try {
      await createJson(tokens, body);
      return parse.mock.calls.filter(([text]) => text.includes(title)).length;
    } finally {
      parse.mockRestore();
    }
  };

  it('are parsed once', async () => {
    const tokens = await createTokenService(pica);
    expect(await countParses(tokens, known)).toBe(1);
    expect(await countParses(tokens, known)).toBe(0);
  });

  it('are part of a token with the requestId of its own page', async () => {
    const tokens = await createTokenService(pica);
    await createJson(tokens, known);
    const text = await createJson(tokens, page(row, 2));
    expect(text).toContain('"requestId":2');
    expect(text).toContain(title);
  });

  it.each<[string, string]>([
    ['not JSON', `{"title"."${title}"}`],
    ['a list instead of an object', `["title","${title}"]`],
    [
      'a key that replaces a prototype',
      `{"__proto__":{"":"${title.slice(9)}"}}`,
    ],
  ])(
    'are malformed when they have the same length and are %s',
    async (_name, other) => {
      const tokens = await createTokenService(pica);
      await createJson(tokens, known);
      expect(other).toHaveLength(row.length);
      expect(await reasonOf(createJson(tokens, page(other)))).toBe('malformed');
    },
  );

  it('are parsed again when 8 MB of others have come since', async () => {
    const tokens = await createTokenService(pica);
    await createJson(tokens, known);
    for (let number = 0; number < 9; number += 1) {
      const length = 2 ** 20 + number;
      await createJson(tokens, page(`{"title":"${'y'.repeat(length)}"}`));
    }
    expect(await countParses(tokens, known)).toBe(1);
  });

  it('are the new ones when one byte differs', async () => {
    const tokens = await createTokenService(pica);
    await createJson(tokens, known);
    const other = page(`{"title":"${title.slice(1)}y"}`);
    expect(await createJson(tokens, other)).toContain('xy"');
    expect(await createJson(tokens, known)).not.toContain('xy"');
  });
});

function isListOfObjects(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (item) =>
        typeof item === 'object' && item !== null && !Array.isArray(item),
    )
  );
}
