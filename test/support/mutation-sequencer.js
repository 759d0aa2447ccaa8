// For Stryker, which runs a mutant's tests by name: runs only the files that have them, and the fastest first.
import { readFileSync, writeFileSync } from 'node:fs';
import TestSequencer from '@jest/test-sequencer';

/** What the first run has seen, in Stryker's copy of the tree: `{ ms, names }` by file. */
const SEEN = 'mutation-specs.json';

export default class MutationSequencer extends TestSequencer {
  constructor(options) {
    super(options);
    const { testNamePattern } = options.globalConfig;
    this.wanted = testNamePattern && new RegExp(testNamePattern);
  }

  sort(tests) {
    if (!this.wanted) return tests;
    const seen = JSON.parse(readFileSync(SEEN, 'utf8'));
    return tests
      .filter(({ path }) =>
        seen[path]?.names.some((name) => this.wanted.test(name)),
      )
      .sort((a, b) => seen[a.path].ms - seen[b.path].ms);
  }

  cacheResults(tests, { testResults }) {
    if (this.wanted) return;
    const seen = testResults.map((result) => {
      const names = result.testResults.map(({ fullName }) => fullName);
      return [result.testFilePath, { ms: result.perfStats.runtime, names }];
    });
    writeFileSync(SEEN, JSON.stringify(Object.fromEntries(seen)));
  }
}
