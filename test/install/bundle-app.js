/**
 * Bundles an app, as a script of its own: `node bundle-app.js <tool> <entry> <folder>`
 * writes `<folder>/main.js`. `swc` compiles the folder of the entry instead.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { build } from 'esbuild';
import webpack from 'webpack';

const [tool, entry, folder] = process.argv.slice(2);

/** What Nest requires only where an app uses it. */
const UNUSED_OF_NEST = [
  '@nestjs/microservices',
  '@nestjs/microservices/microservices-module',
  '@nestjs/websockets/socket-module',
  'class-transformer',
  'class-transformer/storage',
];

const TOOLS = {
  esbuild: () =>
    build({
      entryPoints: [entry],
      outfile: join(folder, 'main.js'),
      bundle: true,
      platform: 'node',
      // Classes lose their names.
      minify: true,
      external: UNUSED_OF_NEST,
      logLevel: 'error',
    }),

  webpack: () =>
    new Promise((resolve, reject) => {
      webpack(
        {
          entry,
          output: { path: folder, filename: 'main.js' },
          target: 'node',
          mode: 'production',
          devtool: false,
          externals: Object.fromEntries(
            UNUSED_OF_NEST.map((name) => [name, `commonjs ${name}`]),
          ),
        },
        (error, stats) => {
          if (error || stats.hasErrors()) {
            reject(error ?? new Error(stats.toString('errors-only')));
          } else resolve();
        },
      );
    }),

  swc: () => {
    const source = dirname(entry);
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(source)) {
      const { code } = transformFileSync(join(source, name), {
        swcrc: false,
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      });
      writeFileSync(join(folder, `${basename(name, '.ts')}.js`), code);
    }
  },
};

await TOOLS[tool]();
