import type { BrowserContextOptions } from 'playwright-core';
import type { Platform } from '../../support/app.js';
import { afterTest } from '../../support/cleanup.js';
import { startChromium } from './chromium.js';
import { Recorder } from './recorder.js';
import { Sample } from './sample.js';
import { Visitor } from './visitor.js';

/** Opens a page in a window of its own, which closes after the current test. */
export type Visit = (
  url: string,
  options?: BrowserContextOptions,
) => Promise<Visitor>;

/** Gives the tests of the file a browser. It starts before all of them and closes after all. */
export function useBrowser(): { visit: Visit } {
  const browser = use(startChromium, (started) => started.close());
  return {
    async visit(url, options) {
      const visitor = await Visitor.open(browser, url, options);
      afterTest(() => visitor.close());
      return visitor;
    },
  };
}

/**
 * Gives the tests of the `describe` block the sample on a platform. It starts
 * before all of them and stops after all.
 *
 * @param environment returns its environment variables; by default it has an emulator of its own
 */
export function useSample(
  platform: Platform,
  environment?: () => NodeJS.ProcessEnv,
): Sample {
  return use(
    () => Sample.start(platform, environment?.()),
    (sample) => sample.stop(),
  );
}

/** Starts the sample until the current test ends. */
export async function startSample(
  platform: Platform,
  environment: NodeJS.ProcessEnv,
): Promise<Sample> {
  const sample = await Sample.start(platform, environment);
  afterTest(() => sample.stop());
  return sample;
}

/** Gives the tests of the `describe` block a recorder in front of a server. It is empty before each test. */
export function useRecorder(
  target: () => string,
  host?: '127.0.0.1' | 'localhost',
): Recorder {
  const recorder = use(
    () => Recorder.start(target(), host),
    (started) => started.stop(),
  );
  beforeEach(() => void recorder.requests.splice(0));
  return recorder;
}

/** A stand-in for something that starts before all tests and stops after all. */
function use<T extends object>(
  start: () => Promise<T>,
  stop: (resource: T) => unknown,
): T {
  let resource: T | undefined;
  beforeAll(async () => {
    resource = await start();
  });
  afterAll(async () => {
    if (resource) await stop(resource);
  });
  return new Proxy({} as T, {
    get(_, property) {
      if (!resource) throw new Error('It starts in a beforeAll hook');
      const value: unknown = Reflect.get(resource, property, resource);
      return typeof value === 'function' ? value.bind(resource) : value;
    },
  });
}
