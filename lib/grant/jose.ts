/**
 * Loads `jose`, an optional peer: apps without grants need not install it.
 *
 * @throws {Error} that tells how to install it, where it is not there
 */
export async function loadJose(): Promise<typeof import('jose')> {
  try {
    return await import('jose');
  } catch (cause) {
    throw new Error(
      'AuthKitModule: grants are signed with the package "jose", which could not be loaded: ' +
        'npm install jose (in tests by Jest on CommonJS: npm install jose@5).',
      { cause },
    );
  }
}
