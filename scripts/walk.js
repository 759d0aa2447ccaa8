/**
 * Prints what one request walks through, and how large the library is: `npm run walk`.
 *
 * Boots the built package in an app (Express, default options, a guard of its own) against an emulator with 247
 * integrations in another thread. After three warm-up requests, V8's precise coverage says which files and named
 * functions of ours one token passes, and one deletion of a connection. `--list` prints them all.
 */
import 'reflect-metadata';
import { readdirSync, readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import ts from 'typescript';

const LIB = new URL('../lib/', import.meta.url);
const BUILT = new URL('../dist/esm/', import.meta.url);
const SECRET_KEY = 'sk_test_walk';
const WARM_UP = 3;

if (isMainThread) {
  printSize();
  await printWalks();
} else await emulate();

/** The emulator, in a thread of its own: none of its calls counts. */
async function emulate() {
  const { PicaEmulator } = await import(new URL('testing/index.js', BUILT));
  const pica = await PicaEmulator.start({
    secretKey: SECRET_KEY,
    integrations: 247,
  });
  const ids = Array.from(
    { length: WARM_UP + 1 },
    () => pica.connect('ada', 'gmail').id,
  );
  // The emulator alone keeps no thread alive.
  parentPort.on('message', () => {});
  parentPort.postMessage({ url: pica.url, ids });
}

async function printWalks() {
  const worker = new Worker(new URL(import.meta.url));
  const { url, ids } = await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  const app = await startApp(url);
  const root = await app.getUrl();
  const send = async (method, path) => {
    const headers = { 'sec-fetch-site': 'same-origin' };
    const response = await fetch(`${root}/${path}`, { method, headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  };
  await walk('one warm token', () => send('POST', 'authkit-token'));
  await walk('one deletion of a connection', () =>
    send('DELETE', `authkit-connections/${ids.pop()}`),
  );
  await app.close();
  await worker.terminate();
}

async function startApp(baseUrl) {
  const { AuthKitModule } = await import(new URL('index.js', BUILT));
  class SessionGuard {
    canActivate(context) {
      context.switchToHttp().getRequest().user = { id: 'ada' };
      return true;
    }
  }
  class App {}
  Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: SECRET_KEY,
        baseUrl,
        controller: { guards: [new SessionGuard()], connections: true },
      }),
    ],
  })(App);
  const app = await NestFactory.create(App, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** Counts what one request calls, after {@link WARM_UP} of its kind. */
async function walk(title, request) {
  for (let count = 0; count < WARM_UP; count++) await request();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  const how = { callCount: true, detailed: true };
  await session.post('Profiler.startPreciseCoverage', how);
  await request();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();

  const called = new Map();
  for (const { url, functions } of result) {
    if (!url.startsWith(BUILT.href)) continue;
    const file = url.slice(BUILT.href.length);
    if (file.startsWith('testing/')) continue;
    const names = functions
      .filter(({ functionName, ranges }) => functionName && ranges[0].count > 0)
      .map(({ functionName }) => functionName);
    if (names.length > 0) called.set(file, names);
  }
  const total = [...called.values()].flat().length;
  console.log(`${title}: ${called.size} files, ${total} named functions`);
  if (!process.argv.includes('--list')) return;
  for (const [file, names] of [...called].sort()) {
    console.log(`  ${file}: ${names.join(', ')}`);
  }
}

/** Lines of lib/ without testing/ and doctor/; code is no comment, blank or import line. */
function printSize() {
  const files = readdirSync(LIB, { recursive: true }).filter(
    (name) => name.endsWith('.ts') && !/^(testing|doctor)\b/.test(name),
  );
  let [lines, code] = [0, 0];
  for (const name of files) {
    const text = readFileSync(new URL(name, LIB), 'utf8');
    lines += text.trimEnd().split('\n').length;
    code += codeLines(name, text);
  }
  console.log(
    `lib without testing/ and doctor/: ${files.length} files, ${lines} lines, ${code} of code`,
  );
}

/** How many lines have a token that is no part of an import. */
function codeLines(name, text) {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const found = new Set();
  const lineOf = (position) =>
    source.getLineAndCharacterOfPosition(position).line;
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isJSDoc(node)) return;
    if (node.getChildCount(source) > 0) {
      node.getChildren(source).forEach(visit);
      return;
    }
    if (node.getEnd() === node.getStart(source)) return;
    // A template may have many lines.
    const last = lineOf(node.getEnd());
    for (let line = lineOf(node.getStart(source)); line <= last; line++) {
      found.add(line);
    }
  };
  visit(source);
  return found.size;
}
