import {
  Controller,
  Inject,
  UseFilters,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import {
  AuthKitConnectionsService,
  AuthKitGrantService,
  AuthKitHealthIndicator,
  AuthKitIdentity,
  AuthKitIdentityGuard,
  AuthKitTokenService,
  CurrentIdentity,
} from '../../lib/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { GRANT_SECRET } from '../support/grants.js';
import { requestToken } from '../support/http.js';
import { importSnippet } from '../support/snippets.js';
import { until } from '../support/until.js';
import {
  connectClient,
  createContext,
  startMicroservice,
  TCP,
} from '../support/without-http.js';

const ADA = { identity: 'ada' };
const ROUTES = { grants: true, connections: true } as const;

const pica = useEmulator();

describe('a context without a server', () => {
  it.each([
    ['without routes', false],
    ['with routes, which are not mounted', ROUTES],
  ])('has services that work, %s', async (_, controller) => {
    const context = await createContext({
      pica,
      controller,
      options: { grant: { secret: GRANT_SECRET, audience: '/authkit-token' } },
    });
    expect(context.get(HttpAdapterHost).httpAdapter).toBeFalsy();

    const get = <T>(type: new (...args: never[]) => T): T =>
      context.get(type, { strict: false });
    const token = await get(AuthKitTokenService).create(ADA);
    expect(token.rows).toHaveLength(247);

    const connections = get(AuthKitConnectionsService);
    const { key } = pica.connect(ADA, 'gmail');
    expect((await connections.resolve(ADA, { platform: 'gmail' })).key).toBe(
      key,
    );
    expect(await connections.deleteAll(ADA)).toBe(1);

    const grant = await get(AuthKitGrantService).widgetToken(
      ADA,
      'https://api.app.example/authkit-token',
    );
    expect(grant.headers.Authorization).toMatch(/^Bearer ey/);
    expect(await get(AuthKitHealthIndicator).ping()).toMatchObject({
      authkit: { status: 'up' },
    });
  });

  it('closes its connections to Pica when it closes', async () => {
    const context = await createContext({ pica });
    await context.get(AuthKitTokenService, { strict: false }).create(ADA);
    expect(pica.openConnections).toBeGreaterThan(0);
    await context.close();
    await until(() => pica.openConnections === 0);
  });
});

/** The filter of the guide, which each test imports: snippets are written for one test. */
const importFilter = async () => {
  const { AuthKitRpcFilter } = await importSnippet<{
    AuthKitRpcFilter: new () => never;
  }>('docs/microservices.md', 'authkit-rpc.filter.ts');
  return AuthKitRpcFilter;
};

/** A guard of an app whose own guard authenticates the sender. */
class MessageIdentityGuard extends AuthKitIdentityGuard {
  protected override getRequest(context: ExecutionContext): object {
    return context.switchToRpc().getData();
  }
}

async function createController() {
  @Controller()
  @UseFilters(await importFilter())
  class ConnectController {
    constructor(
      @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
    ) {}

    @MessagePattern('token')
    token(@Payload() { userId }: { userId: string }) {
      return this.tokens.create({ identity: userId });
    }

    @MessagePattern('guarded')
    @UseGuards(AuthKitIdentityGuard)
    guarded(@CurrentIdentity() { identity }: AuthKitIdentity) {
      return identity;
    }

    @MessagePattern('authenticated')
    @UseGuards(MessageIdentityGuard)
    authenticated(@CurrentIdentity() { identity }: AuthKitIdentity) {
      return identity;
    }
  }
  return ConnectController;
}

describe('a microservice', () => {
  const start = async () =>
    startMicroservice({
      pica,
      controller: ROUTES,
      isGlobal: true,
      controllers: [await createController()],
    });

  it('creates a token for the identity of a message', async () => {
    const { client, service } = await start();
    expect(service.get(HttpAdapterHost).httpAdapter).toBeFalsy();
    const token = await firstValueFrom(client.send('token', { userId: 'ada' }));
    expect(token.rows).toHaveLength(247);
    expect(pica.requests.find(({ body }) => body)!.body).toMatchObject(ADA);
  });

  it('hands the reason of a failure to the sender with the filter of the guide', async () => {
    const { client } = await start();
    pica.fault({ status: 401 });
    const response = firstValueFrom(client.send('token', { userId: 'ada' }));
    await expect(response).rejects.toMatchObject({
      status: 'error',
      reason: 'secret_rejected',
      message: expect.stringContaining('not set up correctly'),
    });
  });

  it('does not take the identity of a payload for that of an authenticated caller', async () => {
    const { client } = await start();
    const response = firstValueFrom(
      client.send('guarded', { user: { id: 'ada' } }),
    );
    await expect(response).rejects.toMatchObject({ status: 'error' });
  });

  it('takes it where the app overrides getRequest() of the guard', async () => {
    const { client } = await start();
    const response = firstValueFrom(
      client.send('authenticated', { user: { id: 'ada' } }),
    );
    expect(await response).toBe('ada');
  });
});

it.each(PLATFORMS)(
  'an app on %s that also listens for messages serves both with one registration',
  async (platform) => {
    const { app, tokenUrl } = await startApp({
      pica,
      platform,
      isGlobal: true,
      controllers: [await createController()],
    });
    const service = app.connectMicroservice(TCP, { inheritAppConfig: true });
    await app.startAllMicroservices();
    const client = connectClient(service);
    const [byMessage, byHttp] = await Promise.all([
      firstValueFrom(client.send('token', { userId: 'bob' })),
      requestToken(tokenUrl),
    ]);
    expect(byMessage.rows).toHaveLength(247);
    expect(byHttp.body.rows).toHaveLength(247);
  },
);
