import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';

const ROOT = process.cwd();
/** A folder that does not exist, from where packages resolve as from lib/. */
const IN_MEMORY = join(ROOT, 'lib', 'in-memory');

/** Files of the reader's app that the snippets import. */
const APP: Record<string, string> = {
  'app.module.ts': `
    import { Module } from '@nestjs/common';
    @Module({})
    export class AppModule {}`,
  'auth/auth.module.ts': `
    import { Module } from '@nestjs/common';
    import { JwtAuthGuard } from './jwt-auth.guard.js';
    @Module({ providers: [JwtAuthGuard], exports: [JwtAuthGuard] })
    export class AuthModule {}`,
  'auth/jwt-auth.guard.ts': `
    import { Injectable, type CanActivate } from '@nestjs/common';
    @Injectable()
    export class JwtAuthGuard implements CanActivate {
      canActivate() { return true; }
    }`,
  'auth/session.guard.ts': `
    import { Injectable, type CanActivate } from '@nestjs/common';
    @Injectable()
    export class SessionGuard implements CanActivate {
      canActivate() { return true; }
    }
    export interface SessionRequest { session: { userId?: string } }`,
  'sign-in.controller.ts': `
    import { Controller } from '@nestjs/common';
    @Controller()
    export class SignInController {}`,
  // Packages of sessions, which the repository does not install.
  'packages.d.ts': `
    declare module 'express-session' {
      function session(options: {
        secret: string; resave: boolean; saveUninitialized: boolean;
        cookie: { sameSite: 'lax'; httpOnly: boolean; secure: 'auto' };
      }): import('express').RequestHandler;
      export default session;
    }
    declare module '@fastify/cookie' {
      const cookie: import('fastify').FastifyPluginCallback;
      export default cookie;
    }
    declare module '@fastify/session' {
      const session: import('fastify').FastifyPluginCallback<{
        secret: string; saveUninitialized: boolean;
        cookie: { sameSite: 'lax'; httpOnly: boolean; secure: 'auto' };
      }>;
      export default session;
    }`,
  // A test is in a folder beside the sources.
  '../src/app.module.ts': `
    import { Module } from '@nestjs/common';
    @Module({})
    export class AppModule {}`,
};

/** What Jest puts into the scope of a test. */
const JEST_GLOBALS = join(ROOT, 'test/support/jest-globals.d.ts');

/** The snippets of a guide, by their own name or one that says where they are. */
function snippetsOf(guide: string): [name: string, code: string][] {
  const text = readFileSync(join(ROOT, guide), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code], index) => [
    fileNameOf(code!) ?? `${basename(guide, '.md')}-${index + 1}.ts`,
    code!,
  ]);
}

/** The name in a snippet's first line, e.g. `// authkit-metrics.ts`: other snippets import it. */
function fileNameOf(code: string): string | undefined {
  return /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1];
}

/** The compiler's errors in files that exist in memory only. */
function errorsIn(files: Record<string, string>): string[] {
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    ROOT,
  );
  const options: ts.CompilerOptions = {
    ...config.options,
    noEmit: true,
    noUnusedLocals: false,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  };
  const host = ts.createCompilerHost(options);
  const inMemory = new Map(
    Object.entries(files).map(([name, code]) => [join(IN_MEMORY, name), code]),
  );
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => inMemory.has(name) || fileExists.call(host, name);
  const { directoryExists } = host;
  host.directoryExists = (name) =>
    [...inMemory.keys()].some((file) => file.startsWith(`${name}/`)) ||
    directoryExists!.call(host, name);
  host.readFile = (name) => inMemory.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    inMemory.has(name)
      ? ts.createSourceFile(name, inMemory.get(name)!, rest[0])
      : getSourceFile.call(host, name, ...rest);
  const program = ts.createProgram(
    [...inMemory.keys(), JEST_GLOBALS],
    options,
    host,
  );
  return [...inMemory.keys()]
    .map((name) => program.getSourceFile(name)!)
    .flatMap((source) => [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ])
    .map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

/** Code with an unknown option, which does not compile. */
const INVALID = `
import { AuthKitModule } from 'nestjs-pica-authkit';
export const x = AuthKitModule.forRoot({ secretKey: 'sk_live_1', timout: 5 });`;

describe('the snippets of the README and the guides', () => {
  const guides = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  const snippets = ['README.md', 'SECURITY.md', ...guides].flatMap(snippetsOf);

  it('compile against the public types, where an unknown option is an error', () => {
    expect(snippets.length).toBeGreaterThanOrEqual(30);
    const files = Object.fromEntries(snippets);
    expect(Object.keys(files)).toHaveLength(snippets.length);
    expect(errorsIn({ ...APP, ...files, 'invalid.ts': INVALID })).toEqual([
      expect.stringMatching(/invalid\.ts: .*timout/s),
    ]);
  });

  it('run as CommonJS too: none awaits at its top level', () => {
    const awaiting = snippets.filter(([, code]) =>
      /^(?:await|for await|(?:export )?(?:const|let) .*= await)\b/m.test(code),
    );
    expect(awaiting).toEqual([]);
  });
});
