import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, jest } from '@jest/globals';
import ts from 'typescript';
import { buildPackage, type BuiltPackage } from '../support/commands.js';
import { useEmulator } from '../support/emulator.js';
import { nestAdd, type Files } from '../support/nest-add.js';

jest.setTimeout(60_000);

let built: BuiltPackage;
beforeAll(() => {
  built = buildPackage();
});
afterAll(() => built.remove());

const APP: Files = {
  'package.json': JSON.stringify({
    type: 'module',
    dependencies: { '@nestjs/core': '^12.0.1' },
  }),
  '.gitignore': '.env\n',
  'src/app.module.ts': `import { Module } from '@nestjs/common';

@Module({
  imports: [],
})
export class AppModule {}
`,
  'src/auth/sessions.ts': `export class Sessions {
  find({ headers }: { headers: { cookie?: string } }) {
    return headers.cookie === 'sid=ada' ? { id: 'ada' } : undefined;
  }
}
`,
  'src/auth/session.guard.ts': `import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Sessions } from './sessions.js';

@Injectable()
export class SessionGuard implements CanActivate {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    request.user = this.sessions.find(request);
    if (!request.user) throw new UnauthorizedException();
    return true;
  }
}
`,
  'src/auth/auth.module.ts': `import { Module } from '@nestjs/common';
import { Sessions } from './sessions.js';

@Module({ providers: [Sessions], exports: [Sessions] })
export class AuthModule {}
`,
  // Boots the app, and prints the status of each route for its user, and without a login.
  'src/main.ts': `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const cookie = { cookie: 'sid=ada' };
const call = async (method: string, path: string, headers = {}) => {
  const response = await fetch(url + path, { method, headers });
  return { status: response.status, body: await response.json() };
};
const grant = await call('POST', '/authkit-token/grant', cookie);
const result = {
  grant: grant.status,
  token: (await call('POST', '/authkit-token', grant.body.headers)).status,
  connections: (await call('GET', '/authkit-connections', cookie)).status,
  withoutLogin: (await call('POST', '/authkit-token/grant')).status,
};
await app.close();
console.log(JSON.stringify(result));
`,
};

/** Writes an app beside the built package, with its TypeScript transpiled. */
function writeApp(folder: string, files: Files): void {
  for (const [file, content] of Object.entries(files)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    if (!file.endsWith('.ts')) {
      writeFileSync(path, content);
      continue;
    }
    const { outputText } = ts.transpileModule(content, {
      compilerOptions: {
        module: ts.ModuleKind.ES2022,
        target: ts.ScriptTarget.ES2022,
        experimentalDecorators: true,
      },
    });
    const entries = join(built.directory, 'dist/esm');
    const linked = outputText
      .replace(
        "'nestjs-pica-authkit/config'",
        `'${entries}/config/from-environment.js'`,
      )
      .replace("'nestjs-pica-authkit'", `'${entries}/index.js'`);
    writeFileSync(path.replace(/\.ts$/, '.js'), linked);
  }
}

describe.each(['pica', 'one'] as const)(
  'an app after nest add --grants --connections --vendor %s',
  (vendor) => {
    const pica = useEmulator({ vendor });

    it('boots with the secret key alone, and serves all routes behind a guard that injects', async () => {
      const { files } = await nestAdd(APP, {
        guard: 'auth/session.guard#SessionGuard',
        grants: true,
        connections: true,
        vendor,
      });
      const name = vendor === 'one' ? 'ONE_SECRET_KEY' : 'PICA_SECRET_KEY';
      files['.env'] = files['.env']!.replace(
        `${name}=`,
        `AUTHKIT_BASE_URL=${pica.url}\n${name}=${pica.secretKey}`,
      );
      const folder = join(built.directory, vendor);
      writeApp(folder, files);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [join(folder, 'src/main.js')],
        { cwd: folder, env: { PATH: process.env.PATH } },
      );
      expect(JSON.parse(stdout)).toEqual({
        grant: 200,
        token: 200,
        connections: 200,
        withoutLogin: 401,
      });
    });
  },
);
