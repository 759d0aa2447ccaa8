import { inspect } from 'node:util';
import { createApp, PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  bearer,
  forge,
  GRANT_SECRET,
  grantOf,
  now,
} from '../support/grants.js';
import { requestGrant, requestToken } from '../support/http.js';
import { captureOutput } from '../support/mocks.js';

const pica = useEmulator({ integrations: 1 });

it.each(PLATFORMS)(
  'no log, response or error contains the grant secret, a grant or an identity, with every log level on %s',
  async (platform) => {
    const output = captureOutput();
    const { tokenUrl, grants: service } = await startApp({
      pica,
      platform,
      options: { retries: 0, grant: { singleUse: true } },
      controller: { grants: true },
      logs: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'],
    });

    const sub = 'ada-lovelace';
    const granted = await requestGrant(tokenUrl, { cookie: `sid=${sub}` });
    pica.fault({ status: 500 });
    const grants = [
      grantOf(granted),
      grantOf(granted),
      await forge({ sub, exp: now() - 60 }),
      await forge({ sub, aud: 'elsewhere' }),
      `${await forge({ sub })}x`,
    ];
    const statuses = [];
    const texts = [];
    for (const grant of grants) {
      const response = await requestToken(tokenUrl, {
        headers: bearer(grant),
      });
      statuses.push(response.status);
      texts.push(response.text, [...response.headers].join());
      await service.verify(grant).catch((error: unknown) => {
        texts.push(inspect(error, { depth: 10, showHidden: true }));
      });
    }

    expect(statuses).toEqual([502, 401, 401, 401, 401]);
    expect(output()).toMatch(/grant.*\bused/i);
    expect(output()).toMatch(/grant.*\bexpired/i);
    for (const text of [output(), ...texts]) {
      expect(text).not.toContain(GRANT_SECRET);
      expect(text).not.toContain(sub);
      for (const part of grants.flatMap((grant) => grant.split('.'))) {
        expect(text).not.toContain(part);
      }
    }
    expect(JSON.stringify(pica.requests)).not.toMatch(/eyJ/);
  },
);

it('the grant service does not show the grant secret when it is inspected', async () => {
  const { grants } = await createApp({
    options: { secretKey: () => 'sk_test_1', grant: { secret: GRANT_SECRET } },
  });
  expect(inspect(grants, { depth: 20, showHidden: true })).not.toContain(
    GRANT_SECRET,
  );
});
