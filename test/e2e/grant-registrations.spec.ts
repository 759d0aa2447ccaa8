import { Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  AuthKitGrantService,
  AuthKitModule,
  type AuthKitControllerOptions,
  type AuthKitGrantOptions,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import {
  askForGrant,
  grantOf,
  OTHER_SECRET,
  SECRET,
} from '../support/grants.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1 });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

const registration = (
  secret: AuthKitGrantOptions['secret'],
  {
    controller,
    ...grant
  }: Partial<AuthKitGrantOptions> & {
    controller?: false | AuthKitControllerOptions;
  } = {},
) =>
  AuthKitModule.forRoot({
    secretKey: pica.secretKey,
    baseUrl: pica.url,
    grant: { secret, ...grant },
    controller: controller !== false && {
      guards: [SessionGuard],
      grants: true,
      ...controller,
    },
  });

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = async (...registrations: ReturnType<typeof registration>[]) => {
    @Module({ imports: registrations })
    class App {}
    return runApp(platform, App);
  };
  /** What one endpoint answers to a grant of another. */
  const exchange = async (from: string, to: string) => {
    const { body } = await askForGrant(from);
    return (await askForToken(to, body)).body;
  };

  it('two instances of the app accept each other’s grants', async () => {
    const [one, two] = [
      `${await start(registration(SECRET))}/authkit-token`,
      `${await start(registration(SECRET))}/authkit-token`,
    ];
    expect(await exchange(one, two)).toHaveProperty('rows');
    expect(await exchange(two, one)).toHaveProperty('rows');
  });

  it('secrets rotate: the first signs, all verify, and each step accepts the grants of the next and the last', async () => {
    const steps = await Promise.all(
      [
        [SECRET],
        [SECRET, OTHER_SECRET],
        [OTHER_SECRET, SECRET],
        [OTHER_SECRET],
      ].map(
        async (secrets) =>
          `${await start(registration(secrets))}/authkit-token`,
      ),
    );
    for (const [index, step] of steps.entries()) {
      for (const neighbour of steps.slice(Math.max(0, index - 1), index + 2)) {
        expect(await exchange(step, neighbour)).toHaveProperty('rows');
      }
    }
    const [first, , third, last] = steps as [string, string, string, string];
    for (const [from, to] of [
      [first, last],
      [last, first],
      [third, first],
    ] as const) {
      expect(await exchange(from, to)).toHaveProperty('reason', 'unidentified');
    }
  });

  it('a grant of one registration is refused by another with the same secret', async () => {
    const url = await start(
      registration(SECRET),
      registration(SECRET, { controller: { path: 'team/authkit-token' } }),
    );
    const [one, other] = [`${url}/authkit-token`, `${url}/team/authkit-token`];
    expect(await exchange(one, one)).toHaveProperty('rows');
    expect(await exchange(other, other)).toHaveProperty('rows');
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const refusal = await exchange(from, to);
      expect(refusal).toMatchObject({
        reason: 'unidentified',
        message: expect.stringMatching(/another endpoint/),
      });
    }
  });

  it('a grant of the service alone is none for a route, nor the other way round', async () => {
    @Module({
      imports: [registration(SECRET, { controller: false })],
    })
    class App {}
    const app = await createApp(platform, App);
    await app.init();
    const service = app.get(AuthKitGrantService, { strict: false });
    const route = `${await start(registration(SECRET))}/authkit-token`;
    const grant = await service.issue({ identity: 'ada' });
    const headers = { authorization: `Bearer ${grant}` };
    expect((await askForToken(route, { headers })).status).toBe(401);
    const own = grantOf(await askForGrant(route));
    await expect(service.verify(own)).rejects.toThrow(/another endpoint/);
    await expect(service.verify(grant)).resolves.toEqual({ identity: 'ada' });
    await expect(service.verify({} as never)).rejects.toThrow(/not valid/);
  });

  it('`grant.audience` and `grant.issuer` tell apps with the same path and secret apart', async () => {
    const plain = `${await start(registration(SECRET))}/authkit-token`;
    for (const own of [{ audience: 'shop' }, { issuer: 'shop' }]) {
      const [one, two] = [
        `${await start(registration(SECRET, own))}/authkit-token`,
        `${await start(registration(SECRET, own))}/authkit-token`,
      ];
      expect(await exchange(one, two)).toHaveProperty('rows');
      expect(await exchange(one, plain)).toHaveProperty(
        'reason',
        'unidentified',
      );
      expect(await exchange(plain, one)).toHaveProperty(
        'reason',
        'unidentified',
      );
    }
  });
});
