import { Inject, UseGuards, type ExecutionContext } from '@nestjs/common';
import { ApolloDriver } from '@nestjs/apollo';
import {
  Field,
  GraphQLModule,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  type GqlModuleOptions,
} from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import {
  AuthKitConnectionsService,
  AuthKitGrantService,
  AuthKitIdentity,
  AuthKitIdentityGuard,
  CurrentIdentity,
  ExtractIdentity,
  type IdentityExtractor,
} from '../../lib/index.js';
import { register, startApp, type Platform } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { GRANT_SECRET } from '../support/grants.js';
import { readResponse, requestToken } from '../support/http.js';
import { importSnippet } from '../support/snippets.js';

@ObjectType()
class Me {
  @Field()
  identity!: string;
}

@ObjectType()
class WidgetToken {
  @Field()
  url!: string;
  @Field()
  authorization!: string;
}

/** A guard of an app whose GraphQL context holds the request elsewhere. */
class InnerRequestGuard extends AuthKitIdentityGuard {
  protected override getRequest(context: ExecutionContext): object {
    return context.getArgByIndex(2).inner.request;
  }
}

@Resolver()
class ConnectResolver {
  constructor(
    @Inject(AuthKitGrantService) private readonly grants: AuthKitGrantService,
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
  ) {}

  @Query(() => Me)
  @UseGuards(AuthKitIdentityGuard)
  me(@CurrentIdentity() identity: AuthKitIdentity): Me {
    return { identity: `${identity.identityType} ${identity.identity}` };
  }

  @Query(() => Me)
  @UseGuards(InnerRequestGuard)
  inner(@CurrentIdentity() identity: AuthKitIdentity): Me {
    return identity;
  }

  @Query(() => Me)
  unguarded(@CurrentIdentity() identity: AuthKitIdentity): Me {
    return identity;
  }

  @Query(() => Me)
  @UseGuards(AuthKitIdentityGuard)
  async gmail(@CurrentIdentity() owner: AuthKitIdentity): Promise<Me> {
    const { key } = await this.connections.resolve(owner, {
      platform: 'gmail',
    });
    return { identity: key };
  }

  @Mutation(() => WidgetToken)
  @UseGuards(AuthKitIdentityGuard)
  async connect(
    @CurrentIdentity() identity: AuthKitIdentity,
  ): Promise<WidgetToken> {
    const { url, headers } = await this.grants.widgetToken(
      identity,
      'https://api.app.example/authkit-token',
    );
    return { url, authorization: headers.Authorization };
  }
}

const SETUPS: [string, Platform, GqlModuleOptions['driver']][] = [
  ['Apollo on Express', 'Express', ApolloDriver],
  ['Apollo on Fastify', 'Fastify', ApolloDriver],
  ['Mercurius', 'Fastify', MercuriusDriver],
];

describe.each(SETUPS)('a resolver with %s', (_, platform, driver) => {
  const pica = useEmulator();

  const start = async (
    identity: IdentityExtractor = ExtractIdentity.fromHeader('x-user'),
    context?: unknown,
  ) => {
    // Apollo ignores it.
    const { errorFormatter } = await importSnippet<{
      errorFormatter: unknown;
    }>('docs/graphql.md', 'error-formatter.ts');
    const { url, tokenUrl } = await startApp({
      pica,
      platform,
      registrations: [
        register({
          pica,
          isGlobal: true,
          controller: { grants: true },
          options: { identity, grant: { secret: GRANT_SECRET } },
        }),
      ],
      imports: [
        GraphQLModule.forRoot({
          driver,
          autoSchemaFile: true,
          errorFormatter,
          ...(context ? { context } : {}),
        } as GqlModuleOptions),
      ],
      providers: [ConnectResolver],
    });
    const ask = async (query: string, user = 'ada') =>
      readResponse(
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-user': user },
          body: JSON.stringify({ query }),
        }),
      );
    return { ask, tokenUrl };
  };

  it('gets the identity of its caller, each operation its own', async () => {
    const { ask } = await start();
    const users = ['ada', 'bob', 'cy'];
    const replies = await Promise.all(
      users.map((user) =>
        ask('{ me { identity } again: me { identity } }', user),
      ),
    );
    expect(replies.map(({ body }) => body.data)).toEqual(
      users.map((user) => ({
        me: { identity: `user ${user}` },
        again: { identity: `user ${user}` },
      })),
    );
  });

  it('gets what an extractor reads of the user and of the context', async () => {
    const { ask } = await start((request, context) => {
      request.user = {
        id: `${context.getType()}-${context.getHandler().name}`,
      };
      return ExtractIdentity.fromUser()(request, context);
    });
    const { body } = await ask('{ me { identity } }');
    expect(body.data.me.identity).toBe('user graphql-me');
  });

  it('fails with the reason where the caller has no identity', async () => {
    const { ask } = await start();
    const { text, body } = await ask('{ me { identity } }', '');
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0].message).toMatch(/not signed in/);
    expect(text).toContain('unidentified');
  });

  it('fails with an error that names the guard where it does not run', async () => {
    const { ask } = await start();
    const { body } = await ask('{ unguarded { identity } }');
    expect(body.errors[0].message).toMatch(
      /ConnectResolver\.unguarded.*AuthKitIdentityGuard/,
    );
  });

  it('gets the identity of a guard that finds the request elsewhere', async () => {
    const { ask } = await start(undefined, (given: { req?: object }) => ({
      inner: { request: given.req ?? given },
    }));
    const { body } = await ask('{ inner { identity } }');
    expect(body.data.inner.identity).toBe('ada');
  });

  it('calls the services for its caller', async () => {
    const { ask } = await start();
    const { key } = pica.connect({ identity: 'ada' }, 'gmail');
    const mine = await ask('{ gmail { identity } }');
    expect(mine.body.data.gmail.identity).toBe(key);
    const other = await ask('{ gmail { identity } }', 'bob');
    expect(other.text).toContain('not_connected');
  });

  it('gives a grant with which the widget gets a token of its caller', async () => {
    const { ask, tokenUrl } = await start();
    const { body } = await ask('mutation { connect { url authorization } }');
    const { authorization } = body.data.connect;
    const token = await requestToken(tokenUrl, { headers: { authorization } });
    expect(token.status).toBe(200);
    expect(pica.requests.at(-1)!.body ?? pica.requests[0]!.body).toMatchObject({
      identity: 'ada',
    });
  });
});
