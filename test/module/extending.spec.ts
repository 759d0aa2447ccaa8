import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import {
  AuthKitConnectionsService,
  AuthKitGrantService,
  AuthKitIdentity,
  AuthKitIdentityGuard,
  AuthKitModule,
  AuthKitTokenService,
  CurrentIdentity,
  getAuthKitProviderToken,
  InjectAuthKit,
  type AuthKitToken,
} from '../../lib/index.js';
import {
  bootError,
  createApp,
  optionsFor,
  PLATFORMS,
  register,
  startApp,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { SignInGuard } from '../support/guards.js';
import { readResponse } from '../support/http.js';

const live = useEmulator({ integrations: 3 });
const sandbox = useEmulator({ integrations: 5, secretKey: 'sk_test_sandbox' });
const ADA = { identity: 'ada' };

@Injectable()
class BothAccounts {
  constructor(
    @InjectAuthKit(AuthKitTokenService, 'live')
    readonly live: AuthKitTokenService,
    @InjectAuthKit(AuthKitTokenService, 'sandbox')
    readonly sandbox: AuthKitTokenService,
    @InjectAuthKit(AuthKitConnectionsService, 'sandbox')
    readonly connections: AuthKitConnectionsService,
    @InjectAuthKit(AuthKitGrantService, 'sandbox')
    readonly grants: AuthKitGrantService,
  ) {}
}

describe('two registrations with names', () => {
  const registrations = () => [
    register({ pica: live, name: 'live' }),
    register({ pica: sandbox, name: 'sandbox', async: true }),
  ];

  it('are injected side by side in one feature module', async () => {
    @Module({ imports: registrations(), providers: [BothAccounts] })
    class FeatureModule {}
    const { get } = await createApp({ registrations: [FeatureModule] });
    const both = get(BothAccounts);
    expect((await both.live.create(ADA)).rows).toHaveLength(3);
    expect((await both.sandbox.create(ADA)).rows).toHaveLength(5);
    sandbox.connect('ada', 'gmail');
    expect((await both.connections.list(ADA)).total).toBe(1);
    expect(both.grants).toBeInstanceOf(AuthKitGrantService);
  });

  it('are injected everywhere when they are global', async () => {
    @Module({ providers: [BothAccounts] })
    class FeatureModule {}
    const { get } = await createApp({
      registrations: [
        register({ pica: live, name: 'live', isGlobal: true }),
        register({ pica: sandbox, name: 'sandbox', isGlobal: true }),
      ],
      imports: [FeatureModule],
    });
    expect((await get(BothAccounts).live.create(ADA)).rows).toHaveLength(3);
    expect((await get(BothAccounts).sandbox.create(ADA)).rows).toHaveLength(5);
  });

  it('are found by getAuthKitProviderToken(), and one is replaced by it in a test', async () => {
    const token = getAuthKitProviderToken(AuthKitTokenService, 'sandbox');
    const fake = { create: async () => 'fake' };
    const { app } = await createApp({
      registrations: registrations(),
      override: (builder) => builder.overrideProvider(token).useValue(fake),
    });
    expect(app.get(token, { strict: false })).toBe(fake);
    const other = app.get<AuthKitTokenService>(
      getAuthKitProviderToken(AuthKitTokenService, 'live'),
      { strict: false },
    );
    expect((await other.create(ADA)).rows).toHaveLength(3);
  });

  it('are found where a bundler has given all classes the same short name', async () => {
    const services = [AuthKitTokenService, AuthKitGrantService];
    for (const service of services) {
      const { name } = service;
      Object.defineProperty(service, 'name', { value: 'e' });
      afterTest(() => Object.defineProperty(service, 'name', { value: name }));
    }
    const { app } = await createApp({ registrations: registrations() });
    for (const service of services) {
      const token = getAuthKitProviderToken<object>(service, 'live');
      expect(app.get(token, { strict: false })).toBeInstanceOf(service);
    }
  });

  it('do not boot when a name is injected that none has, and the error has the name', async () => {
    @Module({
      imports: [register({ pica: live, name: 'live' })],
      providers: [BothAccounts],
    })
    class FeatureModule {}
    const error = await bootError({ registrations: [FeatureModule] });
    expect(error?.message).toContain('AuthKitTokenService(sandbox)');
  });

  it('need no name: the service itself is the token then', async () => {
    expect(getAuthKitProviderToken(AuthKitTokenService)).toBe(
      AuthKitTokenService,
    );
    @Injectable()
    class One {
      constructor(
        @InjectAuthKit(AuthKitTokenService)
        readonly tokens: AuthKitTokenService,
      ) {}
    }
    const { get } = await createApp({ pica: live, providers: [One] });
    expect((await get(One).tokens.create(ADA)).rows).toHaveLength(3);
  });
});

describe.each(PLATFORMS)('a feature module on %s', (platform) => {
  @Injectable()
  class AuditedTokenService extends AuthKitTokenService {
    readonly created: string[] = [];

    override async create(
      ...args: Parameters<AuthKitTokenService['create']>
    ): Promise<AuthKitToken> {
      this.created.push(args[0]?.identity ?? 'nobody');
      return super.create(...args);
    }
  }

  @Injectable()
  class TeamGuard extends AuthKitIdentityGuard {
    override async canActivate(context: ExecutionContext): Promise<boolean> {
      const request = context.switchToHttp().getRequest();
      request.user.id = `team-${request.user.id}`;
      return super.canActivate(context);
    }
  }

  @Controller('teams')
  class TeamsController {
    constructor(
      @Inject(AuditedTokenService) private readonly tokens: AuditedTokenService,
    ) {}

    @Post('token')
    @UseGuards(SignInGuard, TeamGuard)
    token(@CurrentIdentity() identity: AuthKitIdentity) {
      return this.tokens.create(identity);
    }

    @Get('created')
    created() {
      return this.tokens.created;
    }
  }

  it('provides subclasses of the token service and of the guard, with the registration that it imports', async () => {
    const registration = AuthKitModule.forRoot(optionsFor(live));
    @Module({
      imports: [registration],
      providers: [AuditedTokenService, TeamGuard],
      controllers: [TeamsController],
    })
    class TeamsModule {}
    const { url } = await startApp({ platform, registrations: [TeamsModule] });
    const response = await readResponse(
      await fetch(`${url}/teams/token`, {
        method: 'POST',
        headers: { authorization: 'Bearer ada' },
      }),
    );
    expect(response.body.rows).toHaveLength(3);
    const created = await readResponse(await fetch(`${url}/teams/created`));
    expect(created.body).toEqual(['team-ada']);
    expect(live.requests).toContainEqual(
      expect.objectContaining({
        body: expect.objectContaining({ identity: 'team-ada' }),
      }),
    );
  });

  it('provides the subclass in place of the token service', async () => {
    @Module({
      imports: [AuthKitModule.forRoot(optionsFor(live))],
      providers: [
        { provide: AuthKitTokenService, useClass: AuditedTokenService },
      ],
    })
    class TeamsModule {}
    const { app } = await createApp({ platform, registrations: [TeamsModule] });
    const tokens = app
      .select(TeamsModule)
      .get(AuthKitTokenService, { strict: true });
    expect(tokens).toBeInstanceOf(AuditedTokenService);
    expect((await tokens.create(ADA)).rows).toHaveLength(3);
  });
});
