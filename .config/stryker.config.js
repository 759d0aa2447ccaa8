import jest from '../jest.config.js';

/**
 * Tests the tests: `npm run mutate`, or a part of it by `npm run mutate -- --mutate 'lib/token/**'`, and with
 * `--testFiles 'test/e2e/grant-*.spec.ts'` by these specs alone. It works on a copy of the tree.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  // Where a hole lets somebody in, or gives away what is another's.
  mutate: [
    'lib/grant/**/*.ts',
    'lib/connections/**/*.ts',
    'lib/passthrough/**/*.ts',
    'lib/endpoint/cors*.ts',
    'lib/**/*.guard.ts',
  ],
  testRunner: 'jest',
  testRunnerNodeArgs: [
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
  ],
  jest: {
    configFile: 'jest.config.js',
    // Every test is related to every file, by the index.
    enableFindRelatedTests: false,
    config: {
      testSequencer: '<rootDir>/test/support/mutation-sequencer.js',
      testPathIgnorePatterns: [
        ...jest.testPathIgnorePatterns,
        // They read sources and documents, or start processes with a build of their own.
        '<rootDir>/test/readme/',
        '<rootDir>/test/unit/(prepare-release|release-version)',
      ],
    },
  },
  coverageAnalysis: 'perTest',
  // What runs once, as a file is loaded, every test would have to look at.
  ignoreStatic: true,
  // All tests once, one after the other.
  dryRunTimeoutMinutes: 30,
  // Tests wait for timeouts of their own.
  timeoutMS: 30_000,
  disableTypeChecks: 'lib/**/*.ts',
  reporters: ['clear-text', 'progress-append-only', 'html'],
  clearTextReporter: { allowColor: false, logTests: false },
  htmlReporter: { fileName: 'coverage/mutation.html' },
  ignorePatterns: ['/dist', '/sample/dist', '/coverage', '/api'],
  tempDirName: '.stryker-tmp',
};
