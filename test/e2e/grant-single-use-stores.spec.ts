import { Logger, Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { Keyv } from 'keyv';
import { AuthKitModule, type AuthKitCacheStore } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { askForGrant, SECRET } from '../support/grants.js';
import { runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1 });
});
afterEach(() => stopApps());
afterAll(() => pica.stop());

/** The token endpoint of an instance of the app. */
async function instance(store: AuthKitCacheStore): Promise<string> {
  @Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        cache: { store },
        grant: { secret: SECRET, singleUse: true },
        controller: { guards: [SessionGuard], grants: true },
      }),
    ],
  })
  class App {}
  return `${await runApp('Express', App)}/authkit-token`;
}

/** How many of 50 concurrent replays, spread over instances, get through. */
async function replays(urls: string[]): Promise<number> {
  const { body } = await askForGrant(urls[0]!);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      askForToken(urls[index % urls.length]!, body),
    ),
  );
  return answers.filter(({ status }) => status === 200).length;
}

/** A Keyv with what Redis can do and Keyv cannot. */
function atomic(): AuthKitCacheStore {
  const taken = new Set<string>();
  return Object.assign(new Keyv(), {
    add: async (key: string) => !taken.has(key) && Boolean(taken.add(key)),
  });
}

describe('a single-use grant', () => {
  it('gets one of 50 concurrent replays through within an instance, with any store', async () => {
    expect(await replays([await instance(new Keyv())])).toBe(1);
  });

  it('gets one through across instances where the store has an atomic add', async () => {
    const store = atomic();
    expect(await replays([await instance(store), await instance(store)])).toBe(
      1,
    );
  });

  it('that one instance has used is refused by another a moment later, without one too', async () => {
    const store = new Keyv();
    const [one, other] = [await instance(store), await instance(store)];
    const { body } = await askForGrant(one);
    expect((await askForToken(one, body)).status).toBe(200);
    expect((await askForToken(other, body)).status).toBe(401);
  });

  it.each([
    ['OK', null],
    [1, 0],
  ])(
    'is refused where the store’s add tells %p and %p instead of true and false, and the log says so',
    async (yes, no) => {
      const warn = jest
        .spyOn(Logger.prototype, 'warn')
        .mockImplementation(() => {});
      const taken = new Set<string>();
      const add = (key: string) => {
        if (taken.has(key)) return no;
        taken.add(key);
        return yes;
      };
      const store = Object.assign(new Keyv(), { add }) as never;
      expect(await replays([await instance(store)])).toBe(0);
      expect(warn.mock.calls.flat().join('\n')).toMatch(
        /add\(\).*true or false/,
      );
      warn.mockRestore();
    },
  );

  it('gets one through in each instance while the store fails or hangs', async () => {
    const fail = () => {
      throw new Error('down');
    };
    const hang = () => new Promise<never>(() => {});
    for (const bad of [
      { get: fail, set: fail, delete: fail },
      { get: fail, set: fail, delete: fail, add: fail },
      { get: hang, set: hang, delete: hang, add: hang },
    ]) {
      expect(await replays([await instance(bad)])).toBe(1);
    }
  });
});
