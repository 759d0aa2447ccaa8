const cleanups: (() => unknown)[] = [];

/** Registers a function that runs after the current test, the last registered first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** Runs what {@link afterTest} has registered. Jest calls it after each test. */
export async function runCleanups(): Promise<void> {
  const errors: unknown[] = [];
  for (let next = cleanups.pop(); next; next = cleanups.pop()) {
    try {
      await next();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

afterEach(runCleanups);
