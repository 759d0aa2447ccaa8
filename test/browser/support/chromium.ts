import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const DEFAULT_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** No background requests, no sandbox (root has none), no GPU. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the machine's Chromium. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS });
}

/** @throws {Error} that says what to install when there is no Chromium: the tests are never skipped */
export function findChromium(
  named = process.env.CHROMIUM_PATH,
  defaults: readonly string[] = DEFAULT_PATHS,
): string {
  const found = (named ? [named] : defaults).find((path) => existsSync(path));
  if (found) return found;
  throw new Error(
    named
      ? `CHROMIUM_PATH is ${named}, which does not exist. Set it to the program of Chromium or Chrome.`
      : 'There is no Chromium on this machine. Install it (Debian, Ubuntu: apt-get install chromium), or set CHROMIUM_PATH to the program of Chromium or Chrome.',
  );
}
