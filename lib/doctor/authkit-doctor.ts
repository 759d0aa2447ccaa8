#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { diagnose } from './doctor.js';

/** `npx -p nestjs-pica-authkit authkit-doctor`: checks a key and an endpoint. */
async function run(): Promise<void> {
  // The report alone is printed.
  Logger.overrideLogger(false);
  // As ConfigModule does. Variables that are set take precedence.
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { output, errors, exitCode } = await diagnose(process.argv.slice(2));
  process.stdout.write(output);
  process.stderr.write(errors);
  process.exitCode = exitCode;
}

void run();
