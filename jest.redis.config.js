import base from './jest.config.js';

/**
 * Single-use grants in a real redis-server: `npm run test:redis`.
 *
 * @type {import('jest').Config}
 */
export default {
  ...base,
  roots: ['<rootDir>/test/redis'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 30_000,
};
