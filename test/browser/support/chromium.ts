import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Nothing but what the tests ask for: no calls home, no sandbox (there is none for root), no GPU. */
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

/** @throws {Error} that says what to install, where there is none: these tests are never skipped */
export function findChromium(
  named = process.env.CHROMIUM_PATH,
  usual: readonly string[] = USUAL_PLACES,
): string {
  const found = (named ? [named] : usual).find((path) => existsSync(path));
  if (found) return found;
  throw new Error(
    named
      ? `CHROMIUM_PATH is ${named}, where there is no file. Set it to the program of Chromium or Chrome.`
      : 'There is no Chromium on this machine. Install it (Debian, Ubuntu: apt-get install chromium), or set CHROMIUM_PATH to the program of Chromium or Chrome.',
  );
}
