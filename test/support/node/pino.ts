// Logs the requests of an app by nestjs-pino, as the guide sets it up: node pino.ts <url of the emulator> <secret key> <secret of grants>
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Logger, LoggerModule } from 'nestjs-pino';
import { AuthKitModule, ExtractIdentity } from '../../../lib/index.js';

/** The line of the guide. */
const guide = readFileSync('docs/observability.md', 'utf8');
const [, paths] = /redact: (\[[^\]]*\])/.exec(guide)!;
const redact: string[] = JSON.parse(paths!.replaceAll("'", '"'));

const [, , baseUrl, secretKey, secret] = process.argv;

@Module({
  imports: [
    LoggerModule.forRoot({ pinoHttp: { redact } }),
    AuthKitModule.forRoot({
      secretKey: secretKey!,
      baseUrl,
      grant: { secret: secret! },
      identity: ExtractIdentity.fromHeader('x-user'),
      controller: { grants: true },
    }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { bufferLogs: true });
app.useLogger(app.get(Logger));
await app.listen(0, '127.0.0.1');
const url = `${await app.getUrl()}/authkit-token`;
const grant = await fetch(`${url}/grant`, {
  method: 'POST',
  headers: { cookie: 'sid=ada', 'x-user': 'ada' },
});
const { headers } = (await grant.json()) as { headers: Record<string, string> };
for (const each of [headers, { authorization: 'Bearer eyJwrong' }]) {
  await fetch(url, { method: 'POST', headers: each });
}
await app.close();
