import {
  Inject,
  Injectable,
  Module,
  Scope,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { of } from 'rxjs';
import {
  AuthKitModule,
  type AuthKitControllerOptions,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { askForGrant, SECRET } from '../support/grants.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { SignInGuard } from '../support/sign-in.guard.js';
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

/** In the app, a user is somebody with a session or with a bearer of the app. */
@Injectable()
class EitherGuard implements CanActivate {
  constructor(
    @Inject(SessionGuard) private readonly session: SessionGuard,
    @Inject(SignInGuard) private readonly bearer: SignInGuard,
  ) {}
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest();
    return (headers.cookie ? this.session : this.bearer).canActivate(context);
  }
}
@Module({
  providers: [SessionGuard, SignInGuard],
  exports: [SessionGuard, SignInGuard],
})
class AuthModule {}

/** A guard that Nest makes anew for each request. */
@Injectable({ scope: Scope.REQUEST })
class RequestScopedGuard implements CanActivate {
  constructor(
    @Inject(REQUEST)
    private readonly request: {
      user?: object;
      headers: Record<string, string>;
    },
  ) {}
  canActivate(): boolean {
    this.request.user = { id: this.request.headers['x-user'] };
    return true;
  }
}

const appOf = (guards: AuthKitControllerOptions['guards']) => {
  @Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        grant: { secret: SECRET },
        imports: [AuthModule],
        controller: { guards, grants: 'optional' },
      }),
    ],
  })
  class App {}
  return App;
};

const identity = () =>
  pica.requests.filter(({ method }) => method === 'POST').at(-1)?.body;

describe.each(PLATFORMS)('optional grants on %s', (platform) => {
  const start = async (
    ...guards: NonNullable<AuthKitControllerOptions['guards']>
  ) => `${await runApp(platform, appOf(guards))}/authkit-token`;

  it('are one way to a token, and the guards of the app the other', async () => {
    const url = await start(EitherGuard);
    const { body } = await askForGrant(url);
    const byGrant = await askForToken(url, body);
    expect(byGrant.status).toBe(200);
    expect(identity()).toEqual({ identity: 'ada', identityType: 'user' });

    const byBearer = await askForToken(url, {
      headers: { authorization: 'Bearer grace' },
    });
    expect(byBearer.status).toBe(200);
    expect(identity()).toEqual({ identity: 'grace', identityType: 'user' });

    const byNothing = await askForToken(url, { headers: {} });
    expect(byNothing.status).toBe(401);
    expect(byNothing.body.message).toBe('Sign in first');
  });

  it('say for whom the token is, whatever session comes beside them', async () => {
    const url = await start(EitherGuard);
    const { body } = await askForGrant(url);
    await askForToken(url, {
      headers: { ...body.headers, cookie: 'sid=mallory' },
    });
    expect(identity()).toEqual({ identity: 'ada', identityType: 'user' });
  });

  it('leave all guards in place, in their order, of whatever kind they are', async () => {
    const asked: string[] = [];
    const note = (name: string, verdict: boolean): CanActivate => ({
      canActivate: () => {
        asked.push(name);
        return of(verdict) as never;
      },
    });
    const url = await start(
      RequestScopedGuard,
      note('first', true),
      note('second', true),
    );
    const headers = { 'x-user': 'edith' };
    expect((await askForToken(url, { headers })).status).toBe(200);
    expect(asked).toEqual(['first', 'second']);
    expect(identity()).toEqual({ identity: 'edith', identityType: 'user' });

    // Of a guard that says several things, the last one counts, as in Nest.
    const undecided: CanActivate = {
      canActivate: () => of(true, false) as never,
    };
    const shut = await start(RequestScopedGuard, undecided);
    expect((await askForToken(shut, { headers })).status).toBe(403);

    asked.length = 0;
    const closed = await start(note('first', false), note('second', true));
    expect((await askForToken(closed, { headers })).status).toBe(403);
    expect(asked).toEqual(['first']);
  });
});

describe('a test of the app', () => {
  it('replaces a guard by overrideGuard() before both routes', async () => {
    const open: CanActivate = {
      canActivate(context) {
        context.switchToHttp().getRequest().user = { id: 'test' };
        return true;
      },
    };
    const module = await Test.createTestingModule({
      imports: [appOf([SessionGuard])],
    })
      .overrideGuard(SessionGuard)
      .useValue(open)
      .compile();
    const app = module.createNestApplication({ logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      const url = `${await app.getUrl()}/authkit-token`;
      expect((await askForGrant(url, { cookie: '' })).status).toBe(200);
      expect((await askForToken(url, { headers: {} })).status).toBe(200);
      expect(identity()).toEqual({ identity: 'test', identityType: 'user' });
    } finally {
      await app.close();
    }
  });
});
