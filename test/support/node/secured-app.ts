// Prints the responses of an app with a throttler, CSRF protection, helmet and compression, set up by snippets of the guide.
// node secured-app.ts <platform> <url of the emulator> <secret key> <secret of grants> <file of the throttler guard> <file that secures the app>
import 'reflect-metadata';
import {
  Module,
  UseGuards,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ThrottlerModule, type ThrottlerGuard } from '@nestjs/throttler';
import { AuthKitModule } from '../../../lib/index.js';
import { SessionGuard } from '../guards.js';

const [, , platform, baseUrl, secretKey, secret, guardFile, secureFile] =
  process.argv;
const { AuthKitThrottlerGuard } = (await import(guardFile!)) as {
  AuthKitThrottlerGuard: Type<ThrottlerGuard>;
};
const { secure } = (await import(secureFile!)) as {
  secure(app: INestApplication): unknown;
};

@Module({
  imports: [
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: 3 }]),
    AuthKitModule.forRoot({
      secretKey: secretKey!,
      baseUrl,
      grant: { secret: secret! },
      controller: {
        guards: [SessionGuard],
        grants: 'optional',
        connections: true,
        decorators: [UseGuards(AuthKitThrottlerGuard)],
      },
    }),
  ],
})
class AppModule {}

const adapter =
  platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: false });
await secure(app);
await app.listen(0, '127.0.0.1');
const root = await app.getUrl();

const WIDGET = {
  origin: 'https://authkit.picaos.com',
  'sec-fetch-site': 'cross-site',
};
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };
const FOREIGN_PAGE = {
  origin: 'https://evil.example',
  'sec-fetch-site': 'cross-site',
};
const session = (user: string) => ({ cookie: `sid=${user}` });

const responses: Record<string, object> = {};

async function send(
  name: string,
  method: string,
  path: string,
  headers: Record<string, string>,
) {
  const response = await fetch(`${root}/${path}`, { method, headers });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  const body = isJson ? JSON.parse(text) : text;
  responses[name] = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: body.rows ? { rows: body.rows.length } : body,
  };
  return body;
}

const token = (name: string, headers: Record<string, string>) =>
  send(name, 'POST', 'authkit-token', { ...WIDGET, ...headers });

for (const n of [1, 2]) await token(`ada ${n}`, session('ada'));
const grant = await send('grant', 'POST', 'authkit-token/grant', {
  ...OWN_PAGE,
  ...session('ada'),
});
// A grant of ada counts as ada.
await token('ada 3', grant.headers);
await token('ada 4', grant.headers);
await token('bob', session('bob'));
for (const n of [1, 2, 3, 4]) await token(`nobody ${n}`, {});
await send('preflight', 'OPTIONS', 'authkit-token', {
  ...WIDGET,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization',
});
await send('grant for a foreign page', 'POST', 'authkit-token/grant', {
  ...FOREIGN_PAGE,
  ...session('ada'),
});
await send('deletion by a foreign page', 'DELETE', 'authkit-connections/x', {
  ...FOREIGN_PAGE,
  ...session('ada'),
});
await send('list', 'GET', 'authkit-connections', {
  ...OWN_PAGE,
  ...session('ada'),
});
await app.close();
process.stdout.write(JSON.stringify(responses));
