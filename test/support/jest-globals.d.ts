import type * as globals from '@jest/globals';

/**
 * What Jest puts into the scope of every test file. The `jest` object is not
 * among it in ES modules: import it from `@jest/globals`.
 */
declare global {
  const describe: typeof globals.describe;
  const it: typeof globals.it;
  const expect: typeof globals.expect;
  const beforeAll: typeof globals.beforeAll;
  const beforeEach: typeof globals.beforeEach;
  const afterEach: typeof globals.afterEach;
  const afterAll: typeof globals.afterAll;
}
