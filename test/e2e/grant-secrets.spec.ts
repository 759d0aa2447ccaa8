import { inspect } from 'node:util';
import { ConsoleLogger, Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { AuthKitGrantService, AuthKitModule } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import {
  askForGrant,
  bearing,
  forge,
  grantOf,
  now,
  SECRET,
} from '../support/grants.js';
import { captureOutput } from '../support/output.js';
import { createApp, PLATFORMS, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1 });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

it.each(PLATFORMS)(
  'on %s, neither secret nor grant nor identity is in any output, be it as detailed as can be',
  async (platform) => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          retries: 0,
          grant: { secret: SECRET, singleUse: true },
          controller: { guards: [SessionGuard], grants: true },
        }),
      ],
    })
    class App {}
    const app = await createApp(platform, App);
    const printed = captureOutput();
    app.useLogger(
      new ConsoleLogger({
        logLevels: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'],
      }),
    );
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/authkit-token`;

    const sub = 'ada-lovelace';
    const asked = await askForGrant(url, { cookie: `sid=${sub}` });
    pica.fault({ status: 500 });
    const grants = [
      grantOf(asked),
      grantOf(asked),
      await forge({ sub, exp: now() - 60 }),
      await forge({ sub, aud: 'elsewhere' }),
      `${await forge({ sub })}x`,
    ];
    const statuses = [];
    const shown = [];
    const service = app.get(AuthKitGrantService, { strict: false });
    for (const grant of grants) {
      const answer = await askForToken(url, { headers: bearing(grant) });
      statuses.push(answer.status);
      shown.push(answer.text, [...answer.headers].join());
      await service.verify(grant).catch((error: unknown) => {
        shown.push(inspect(error, { depth: 10, showHidden: true }));
      });
    }
    const output = printed();
    jest.restoreAllMocks();

    expect(statuses).toEqual([502, 401, 401, 401, 401]);
    expect(output).toMatch(/grant refused: used/);
    expect(output).toMatch(/grant refused: expired/);
    for (const text of [output, ...shown]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(sub);
      for (const part of grants.flatMap((grant) => grant.split('.'))) {
        expect(text).not.toContain(part);
      }
    }
    expect(JSON.stringify(pica.requests)).not.toMatch(/eyJ/);
  },
);

describe('the module in memory', () => {
  it('does not show the secret to whoever inspects it', async () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: () => 'sk_test_1',
          grant: { secret: SECRET },
        }),
      ],
    })
    class App {}
    const app = await createApp('Express', App);
    const service = app.get(AuthKitGrantService, { strict: false });
    expect(inspect(service, { depth: 20, showHidden: true })).not.toContain(
      SECRET,
    );
  });
});
