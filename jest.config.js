import { availableParallelism } from 'node:os';
import { SWC_OPTIONS } from './test/support/swc-options.js';

/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  // They have configurations and commands of their own: they need Chromium or Redis, or build and install packages.
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/browser/',
    '<rootDir>/test/package/',
    '<rootDir>/test/redis/',
  ],
  testEnvironment: 'node',
  // Twice the default and more: CI machines are busy at times.
  testTimeout: 20_000,
  // Most of the time the tests wait: for a server, a timeout, a child process. Two workers a core take 29 % less.
  maxWorkers: 2 * availableParallelism(),
  reporters: ['default', '<rootDir>/test/support/parts-reporter.js'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-pica-authkit$': '<rootDir>/lib/index.ts',
    '^nestjs-pica-authkit/config$': '<rootDir>/lib/config/from-environment.ts',
    '^nestjs-pica-authkit/testing$': '<rootDir>/lib/testing/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/sample/dist'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', SWC_OPTIONS],
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts'],
};
