import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';

const pica = useEmulator();
const PAGES = '/v1/authkit';
const HUGE = '90071992547409931234567890';

/** Rows as `JSON.stringify` never writes them. */
const ROWS =
  `{"id":${HUGE},"a":1.0,"b":1E+3,"c":-0,"t":"\\u00e9\\/ ]}\\""}` +
  ' ,\r\n\t{ "n" : [ 12345678901234567890 , { "x" : 0.10 } ] , "id":1 , "id":2 }';

describe.each(PLATFORMS)(
  'the response of the token route on %s',
  (platform) => {
    const tokenText = async (body: string): Promise<string> => {
      const { tokenUrl } = await startApp({ pica, platform });
      pica.fault({ path: PAGES, body });
      const response = await requestToken(tokenUrl);
      expect(response.status).toBe(200);
      return response.text;
    };

    it('has every digit of numbers beyond 2^53 and the text of the rows, with rows first', async () => {
      const text = await tokenText(
        `{"rows":[${ROWS}],"total":2,"pages":1,"requestId":${HUGE}}`,
      );
      expect(text).toContain(`"rows":[${ROWS}]`);
      expect(text).toContain(`"requestId":${HUGE}`);
    });

    it.each<[string, string]>([
      ['rows last', `{"requestId":7,"total":2,"pages":1,"rows":[${ROWS}]}`],
      [
        'line breaks between all tokens',
        `\n{ "rows" : [ ${ROWS} ] ,\n"pages" : 1 ,\t"total":2\r\n}\n`,
      ],
      [
        'lists and brackets around the rows',
        `{"z":["]",{"rows":[0]}],"rows":[${ROWS}],"pages":1,"y":[[1],"["]}`,
      ],
      [
        'fields twice, of which the last counts',
        `{"rows":[{"id":1}],"requestId":1,"rows":[${ROWS}],"pages":1,"requestId":2}`,
      ],
      ['an escaped name', `{"r\\u006fws":[${ROWS}],"pages":1,"x\\u0049d":3}`],
      ['a list of its own', `{"rows":[${ROWS}],"pages":1,"more":[1, 2]}`],
    ])(
      'has the same values, parsed and serialized, with %s',
      async (_name, body) => {
        const text = await tokenText(body);
        expect(JSON.parse(text)).toEqual({
          ...JSON.parse(JSON.stringify(JSON.parse(body))),
          isWhiteLabel: false,
        });
        expect(text).not.toContain(HUGE);
      },
    );

    it('has the rows of all pages and the requestId of the last one as text', async () => {
      const { tokenUrl } = await startApp({ pica, platform });
      const page = (number: number) =>
        `{"rows":[ ${ROWS} ], "total" : 4, "pages":2, "page":${number}, "requestId":${HUGE}${number} }`;
      for (const number of [1, 2]) {
        pica.fault({ path: PAGES, page: number, body: page(number) });
      }
      const { text } = await requestToken(tokenUrl);
      expect(text).toContain(`"rows":[ ${ROWS} , ${ROWS} ]`);
      expect(text).toContain(`"requestId":${HUGE}2`);
    });
  },
);
