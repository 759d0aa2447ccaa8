import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPage } from '../../lib/pica/answers.js';

/** What `readPage` has understood, put together again. */
function understood(text: string) {
  const { fields, rows } = readPage(Buffer.from(text));
  return { ...fields, rows: JSON.parse(`[${String(rows)}]`) };
}

describe('a page', () => {
  it.each<[string, string]>([
    ['as the service writes it', '{"rows":[{"id":1}],"total":1,"pages":1}'],
    ['without rows', '{"rows":[],"total":0,"pages":0}'],
    ['without rows, spaced', '{"rows":[ \n],"total":0,"pages":0}'],
    ['that ends with its rows', '{"pages":1,"rows":[{"id":1},{"id":2}]}'],
    [
      'of nothing but spaces more',
      '{ "rows" : [ { "id" : 1 } ] , "pages" : 1 }',
    ],
    ['with another list behind', '{"rows":[{"id":1}],"pages":1,"more":[2,3]}'],
    [
      'with a bracket in a string behind',
      '{"rows":[{"id":1}],"pages":1,"a":"]"}',
    ],
    ['with brackets in rows', '{"rows":[{"a":"]}],","b":[[]]}],"pages":1}'],
    [
      'with other rows inside',
      '{"x":{"rows":[1]},"rows":[{"id":2}],"pages":1}',
    ],
    ['with rows twice', '{"rows":[{"id":1}],"pages":1,"rows":[{"id":2}]}'],
    ['with a total twice', '{"rows":[{"id":1}],"total":5,"total":1,"pages":1}'],
    [
      'with an escaped key',
      '{"rows":[{"id":1}],"pages":1,"r\\u006fws":[{"id":2}]}',
    ],
    [
      'with signs of all the world',
      '{"rows":[{"t":"Été ✓ 🚀 \\ud800"}],"pages":1,"é":"✓"}',
    ],
  ])('%s says what JSON.parse says', (_name, text) => {
    expect(understood(text)).toEqual(JSON.parse(text));
  });

  it('says what JSON.parse says, whatever stands in it and however it is spaced', () => {
    const member = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue({ maxDepth: 3 }),
    );
    fc.assert(
      fc.property(
        member,
        fc.array(member),
        member,
        fc.constantFrom(undefined, 1, '\t'),
        (before, rows, behind, space) => {
          const page = { ...before, rows, ...behind, rows2: rows, pages: 1 };
          const counts = { total: 1, page: 1 };
          const texts = [
            JSON.stringify({ ...page, ...counts, rows }, null, space),
            JSON.stringify({ rows, ...behind, ...counts, rows2: 0, pages: 1 }),
          ].map((text) => text.replace(/__proto__/g, 'proto'));
          for (const text of texts) {
            const answer = JSON.parse(text);
            // The generator may give rows another form, which is refused.
            if (answer.rows.every(isRow)) {
              expect(understood(text)).toEqual(answer);
            }
          }
        },
      ),
    );
  });

  it('keeps the text of its rows byte for byte', () => {
    const rows =
      '{"id":12345678901234567890,"a":1.0,"b":1e3,"t":"\\u00e9/\\/"} , {"id":2}';
    const page = readPage(Buffer.from(`{"rows":[${rows}],"pages":1}`));
    expect(String(page.rows)).toBe(rows);
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
  ])('that is not JSON is refused: %s', (text) => {
    expect(() => readPage(Buffer.from(text))).toThrow();
  });

  it.each([
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
  ])('that nobody should believe is refused: %.60s', (text) => {
    expect(() => readPage(Buffer.from(text))).toThrow(/^not /);
  });
});

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
