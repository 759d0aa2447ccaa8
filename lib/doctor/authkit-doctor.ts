#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { diagnose } from './diagnose.js';

/** `npx -p nestjs-pica-authkit authkit-doctor`: checks a key, an endpoint and a call. */
async function run(): Promise<void> {
  // The report alone is printed.
  Logger.overrideLogger(false);
  const before = Object.keys(process.env);
  // As ConfigModule does. Variables that are set take precedence.
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { output, errors, exitCode } = await diagnose(process.argv.slice(2), {
    fromFile: Object.keys(process.env).filter((name) => !before.includes(name)),
    announce: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(output);
  process.stderr.write(errors);
  process.exitCode = exitCode;
}

void run();
