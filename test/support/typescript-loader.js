// Lets Node itself run the TypeScript of lib/ and test/: node --import <this file> x.ts
// For packages in CommonJS that require Nest 12, which is ESM only: Jest on Node 20 cannot load them.
import { readFileSync } from 'node:fs';
import Module, { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { SWC_OPTIONS } from './swc-options.js';

const LIBRARY = new URL('../../lib/index.ts', import.meta.url).href;

if (isMainThread) register(import.meta.url);

// Packages made for Nest 10 and 11 require folders of Nest, which Nest 12 does not export as such.
const { _resolveFilename: resolveFilename } = Module;
Module._resolveFilename = function (request, ...rest) {
  try {
    return resolveFilename.call(this, request, ...rest);
  } catch (error) {
    if (!/^@nestjs\/(?:common|core)\/./.test(request)) throw error;
    return resolveFilename.call(this, `${request}/index.js`, ...rest);
  }
};

export async function resolve(specifier, context, next) {
  if (specifier === 'nestjs-pica-authkit') return next(LIBRARY, context);
  const isOfTypeScript = context.parentURL?.endsWith('.ts');
  if (isOfTypeScript && /^\.{1,2}\/.*\.js$/.test(specifier)) {
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { transform } = await import('@swc/core');
  const filename = fileURLToPath(url);
  const { code } = await transform(readFileSync(filename, 'utf8'), {
    filename,
    ...SWC_OPTIONS,
  });
  return { format: 'module', source: code, shortCircuit: true };
}
