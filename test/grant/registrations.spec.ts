import { VERSION_NEUTRAL } from '@nestjs/common';
import { decodeJwt } from 'jose';
import type {
  AuthKitControllerOptions,
  AuthKitGrantOptions,
} from '../../lib/index.js';
import { createApp, PLATFORMS, register, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  bearer,
  GRANT_SECRET,
  grantOf,
  OTHER_SECRET,
} from '../support/grants.js';
import { requestGrant, requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 1 });

describe.each(PLATFORMS)('on %s', (platform) => {
  /** Starts an instance of an app and returns the URL of its token endpoint. */
  const start = async (grant?: Partial<AuthKitGrantOptions>) => {
    const { tokenUrl } = await startApp({
      pica,
      platform,
      options: { grant },
      controller: { grants: true },
    });
    return tokenUrl;
  };
  /** Uses a grant of one endpoint at another and returns the body of the response. */
  const exchange = async (from: string, to: string) => {
    const { body: grant } = await requestGrant(from);
    return (await requestToken(to, grant)).body;
  };

  it('two instances of an app accept each other’s grants', async () => {
    const [one, two] = [await start(), await start()];
    expect(await exchange(one, two)).toHaveProperty('rows');
    expect(await exchange(two, one)).toHaveProperty('rows');
  });

  it('secrets rotate without a refused grant: the first signs, all verify', async () => {
    const steps = await Promise.all(
      [
        [GRANT_SECRET],
        [GRANT_SECRET, OTHER_SECRET],
        [OTHER_SECRET, GRANT_SECRET],
        [OTHER_SECRET],
      ].map((secret) => start({ secret })),
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

  it('a registration refuses a grant of another one with the same secret', async () => {
    const { url } = await startApp({
      platform,
      registrations: ['authkit-token', 'team/authkit-token'].map((path) =>
        register({ pica, controller: { grants: true, path } }),
      ),
    });
    const [one, other] = [`${url}/authkit-token`, `${url}/team/authkit-token`];
    expect(await exchange(one, one)).toHaveProperty('rows');
    expect(await exchange(other, other)).toHaveProperty('rows');
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      expect(await exchange(from, to)).toMatchObject({
        reason: 'unidentified',
        message: expect.stringMatching(/could not be opened.*try again/),
      });
    }
  });

  it('a route and a service without a controller refuse each other’s grants', async () => {
    const { grants } = await createApp({
      platform,
      options: { grant: { secret: GRANT_SECRET } },
    });
    const tokenUrl = await start();
    const grant = await grants.issue({ identity: 'ada' });
    const response = await requestToken(tokenUrl, { headers: bearer(grant) });
    expect(response.status).toBe(401);
    const grantOfRoute = grantOf(await requestGrant(tokenUrl));
    await expect(grants.verify(grantOfRoute)).rejects.toThrow(
      /could not be opened.*try again/,
    );
    await expect(grants.verify(grant)).resolves.toEqual({ identity: 'ada' });
  });

  it.each<Partial<AuthKitGrantOptions>>([
    { audience: 'shop' },
    { issuer: 'shop' },
  ])(
    'an app with %j and one without it refuse each other’s grants, with the same path and secret',
    async (grant) => {
      const [one, two] = [await start(grant), await start(grant)];
      const without = await start();
      expect(await exchange(one, two)).toHaveProperty('rows');
      for (const [from, to] of [
        [one, without],
        [without, one],
      ] as const) {
        expect(await exchange(from, to)).toHaveProperty(
          'reason',
          'unidentified',
        );
      }
    },
  );
});

describe('the default audience of a registration', () => {
  it.each<[string, AuthKitControllerOptions | false, string]>([
    ['no controller', false, 'authkit-grant-service'],
    ['a controller', {}, '/authkit-token'],
    [
      'a path with slashes at its ends',
      { path: '/authkit-token/' },
      '/authkit-token',
    ],
    ['a path with a double slash', { path: 'team//token' }, '/team/token'],
    ['an empty path', { path: '' }, '/'],
    ['the path /', { path: '/' }, '/'],
    ['a version', { version: '2' }, '/authkit-token#2'],
    ['two versions', { version: ['1', '2'] }, '/authkit-token#1,2'],
    ['VERSION_NEUTRAL', { version: VERSION_NEUTRAL }, '/authkit-token#neutral'],
  ])('with %s (%j) is %s', async (_name, controller, audience) => {
    const { grants } = await createApp({
      options: { grant: { secret: GRANT_SECRET } },
      controller: controller && { grants: true, ...controller },
    });
    const grant = await grants.issue({ identity: 'ada' });
    expect(decodeJwt(grant).aud).toBe(audience);
  });
});
