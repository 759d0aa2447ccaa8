import {
  Inject,
  Injectable,
  Module,
  Scope,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { of } from 'rxjs';
import type { AuthKitControllerOptions } from '../../lib/index.js';
import { PLATFORMS, startApp, type AppSettings } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { SessionGuard, SignInGuard } from '../support/guards.js';
import { requestGrant, requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 1 });

/** Identifies users by a session or by a bearer token of the app. */
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

/** A guard that Nest creates for each request. */
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

const start = async (
  guards: AuthKitControllerOptions['guards'],
  settings: AppSettings = {},
) => {
  const { tokenUrl } = await startApp({
    pica,
    controller: { guards, grants: 'optional' },
    registrationImports: [AuthModule],
    ...settings,
  });
  return tokenUrl;
};

/** The identity of the last token. */
const lastIdentity = () =>
  pica.requests.filter(({ method }) => method === 'POST').at(-1)?.body;

describe.each(PLATFORMS)('optional grants on %s', (platform) => {
  it('give a token to requests with a grant and to those that the app’s guards let pass', async () => {
    const tokenUrl = await start([EitherGuard], { platform });
    const { body: grant } = await requestGrant(tokenUrl);
    const byGrant = await requestToken(tokenUrl, grant);
    expect(byGrant.status).toBe(200);
    expect(lastIdentity()).toEqual({ identity: 'ada', identityType: 'user' });

    const byBearer = await requestToken(tokenUrl, {
      headers: { authorization: 'Bearer grace' },
    });
    expect(byBearer.status).toBe(200);
    expect(lastIdentity()).toEqual({ identity: 'grace', identityType: 'user' });

    const byNeither = await requestToken(tokenUrl, { headers: {} });
    expect(byNeither.status).toBe(401);
    expect(byNeither.body.message).toBe('Sign in first');
  });

  it('take precedence over a session in the same request', async () => {
    const tokenUrl = await start([EitherGuard], { platform });
    const { body: grant } = await requestGrant(tokenUrl);
    await requestToken(tokenUrl, {
      headers: { ...grant.headers, cookie: 'sid=mallory' },
    });
    expect(lastIdentity()).toEqual({ identity: 'ada', identityType: 'user' });
  });

  it('keep the guards of the app in their order, be they classes, request-scoped or objects that return observables', async () => {
    const called: string[] = [];
    const guard = (name: string, verdict: boolean): CanActivate => ({
      canActivate: () => {
        called.push(name);
        return of(verdict) as never;
      },
    });
    const headers = { 'x-user': 'edith' };
    const open = await start(
      [RequestScopedGuard, guard('first', true), guard('second', true)],
      { platform },
    );
    expect((await requestToken(open, { headers })).status).toBe(200);
    expect(called).toEqual(['first', 'second']);
    expect(lastIdentity()).toEqual({ identity: 'edith', identityType: 'user' });

    called.length = 0;
    const closed = await start([guard('first', false), guard('second', true)], {
      platform,
    });
    expect((await requestToken(closed, { headers })).status).toBe(403);
    expect(called).toEqual(['first']);
  });

  it('use the last value of a guard whose observable emits several, as Nest does', async () => {
    const undecided: CanActivate = {
      canActivate: () => of(true, false) as never,
    };
    const tokenUrl = await start([RequestScopedGuard, undecided], { platform });
    const headers = { 'x-user': 'edith' };
    expect((await requestToken(tokenUrl, { headers })).status).toBe(403);
  });
});

it('a guard replaced with overrideGuard() in a test of the app guards both routes', async () => {
  const open: CanActivate = {
    canActivate(context) {
      context.switchToHttp().getRequest().user = { id: 'test' };
      return true;
    },
  };
  const tokenUrl = await start([SessionGuard], {
    override: (builder) => builder.overrideGuard(SessionGuard).useValue(open),
  });
  expect((await requestGrant(tokenUrl, { cookie: '' })).status).toBe(200);
  expect((await requestToken(tokenUrl, { headers: {} })).status).toBe(200);
  expect(lastIdentity()).toEqual({ identity: 'test', identityType: 'user' });
});
