import {
  PicaEmulator,
  type PicaEmulatorOptions,
} from '../../lib/testing/index.js';
import { afterTest, runCleanups } from './cleanup.js';

/**
 * Gives the tests of the file, or of the `describe` block, an emulator. It
 * starts before all of them and stops after all. After each test it is reset,
 * its integrations, latency and white label included. Not to be used before
 * the first `beforeAll` has run.
 */
export function useEmulator(options: PicaEmulatorOptions = {}): PicaEmulator {
  let emulator: PicaEmulator | undefined;
  const started = (): PicaEmulator => {
    if (!emulator) throw new Error('The emulator starts in a beforeAll hook');
    return emulator;
  };
  beforeAll(async () => {
    emulator = await PicaEmulator.start(options);
  });
  afterEach(async () => {
    // Apps close first, so that no request of theirs meets the next test.
    await runCleanups();
    const { integrations = 247, latency = 0, whiteLabel = false } = options;
    Object.assign(started(), { integrations, latency, whiteLabel }).reset();
  });
  afterAll(() => emulator?.stop());

  return new Proxy({} as PicaEmulator, {
    get(_, property) {
      const value: unknown = Reflect.get(started(), property, started());
      return typeof value === 'function' ? value.bind(started()) : value;
    },
    set: (_, property, value) =>
      Reflect.set(started(), property, value, started()),
  });
}

/** Starts an emulator that stops after the current test. */
export async function startEmulator(
  options?: PicaEmulatorOptions,
): Promise<PicaEmulator> {
  const emulator = await PicaEmulator.start(options);
  afterTest(() => emulator.stop());
  return emulator;
}

/** The requests that an emulator has received, sorted: `flags`, and `page N` of the integrations. */
export function requestNames({
  requests,
}: Pick<PicaEmulator, 'requests'>): string[] {
  return requests
    .map(({ method, query }) =>
      method === 'GET' ? 'flags' : `page ${query.page}`,
    )
    .sort();
}
