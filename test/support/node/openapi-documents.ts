// Prints the OpenAPI documents of apps as JSON, by name: node openapi-documents.ts <package of @nestjs/swagger>
import 'reflect-metadata';
import { Module, VersioningType, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type * as Swagger from '@nestjs/swagger';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  AuthKitModule,
  type AuthKitControllerOptions,
} from '../../../lib/index.js';

const { DocumentBuilder, SwaggerModule, ApiTags, ApiSecurity, ApiOperation } =
  (await import(process.argv[2]!)) as typeof Swagger;

const register = (controller: AuthKitControllerOptions) =>
  AuthKitModule.forRoot({
    secretKey: 'sk_test_1',
    grant: { secret: 'a secret of the tests, long enough for HS256' },
    controller,
  });

const all = { grants: true, connections: true } as const;

const APPS: Record<
  string,
  {
    imports: NonNullable<Parameters<typeof Module>[0]['imports']>;
    configure?: (app: INestApplication) => void;
    isFastify?: boolean;
  }
> = {
  all: { imports: [register(all)] },
  fastify: { imports: [register(all)], isFastify: true },
  tokenAlone: { imports: [register({})] },
  registrations: {
    imports: [
      register(all),
      register({
        ...all,
        path: 'teams/authkit-token',
        connections: { path: 'teams/authkit-connections' },
      }),
      register({
        ...all,
        path: 'teams-authkit/token',
        connections: { path: 'teams-authkit/connections' },
      }),
    ],
  },
  versions: {
    imports: [
      register({ ...all, version: '1' }),
      register({ ...all, version: ['2', '3'] }),
    ],
    configure: (app) => app.enableVersioning({ type: VersioningType.URI }),
  },
  decorated: {
    imports: [
      register({
        ...all,
        decorators: [ApiTags('integrations'), ApiSecurity('session')],
        tokenRouteDecorators: [
          ApiOperation({ summary: 'The token of the widget' }),
        ],
      }),
    ],
  },
};

const documents: Record<string, unknown> = {};
for (const [name, { imports, configure, isFastify }] of Object.entries(APPS)) {
  @Module({ imports })
  class AppModule {}

  const app = await NestFactory.create<INestApplication>(
    AppModule,
    isFastify ? new FastifyAdapter() : new ExpressAdapter(),
    { logger: false, abortOnError: false },
  );
  configure?.(app);
  // As a main.ts does: before listen().
  documents[name] = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('App')
      .setVersion('1')
      .addApiKey({ type: 'apiKey', in: 'cookie', name: 'sid' }, 'session')
      .build(),
  );
  await app.close();
}
process.stdout.write(JSON.stringify(documents));
