import unit from './jest.config.js';

/**
 * The tests that need Chromium, and the sample as it is built.
 *
 * @type {import('jest').Config}
 */
export default {
  ...unit,
  roots: ['<rootDir>/test/browser'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Two browsers at a time would only wait for each other.
  maxWorkers: 1,
  testTimeout: 60_000,
};
