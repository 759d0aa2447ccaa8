import base from './jest.config.js';

/** The packed package in fresh apps, and the sample as `npm start` starts it: `npm run test:package`. */
export default {
  ...base,
  roots: ['<rootDir>/test/package'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Both specs build and install: side by side they only wait for each other.
  maxWorkers: 1,
};
