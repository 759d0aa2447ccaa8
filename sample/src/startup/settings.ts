import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { parseArgs } from 'node:util';
import { fail } from './fail.js';

const USAGE = `Usage: npm start -- [--fastify]

  --fastify   run on Fastify instead of Express
  --help      show this

Environment, or .env: PORT, JWT_SECRET, AUTHKIT_GRANT_SECRET, PICA_SECRET_KEY, WIDGET_URL (see sample/README.md)`;

export type Platform = 'Express' | 'Fastify';

/** Reads the platform from the command line and the port from the environment. */
export function readSettings(): { platform: Platform; port: number } {
  const platform = readPlatform();
  // ConfigModule reads the same file, but only when app.module.ts is imported.
  if (existsSync('.env')) loadEnvFile('.env');
  return { platform, port: readPort() };
}

function readPlatform(): Platform {
  const { fastify, help } = parseFlags();
  if (help) {
    console.log(USAGE);
    process.exit(0);
  }
  return fastify ? 'Fastify' : 'Express';
}

function parseFlags() {
  try {
    return parseArgs({
      options: { fastify: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${USAGE}`, 2);
  }
}

function readPort(): number {
  const value = process.env.PORT || '3000';
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= 65_535
    ? port
    : fail(
        `PORT must be a number from 0 (any free port) to 65535, not "${value}".`,
        2,
      );
}
