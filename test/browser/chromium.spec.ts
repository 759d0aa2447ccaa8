import { findChromium } from './support/chromium.js';

describe('findChromium()', () => {
  it('throws an error that says what to install when there is no Chromium', () => {
    expect(() => findChromium('', ['/no/such/chromium'])).toThrow(
      /apt-get install chromium/,
    );
  });

  it('throws an error that names CHROMIUM_PATH when that does not exist, although there is another Chromium', () => {
    expect(() => findChromium('/no/such/chromium', [process.execPath])).toThrow(
      /CHROMIUM_PATH is \/no\/such\/chromium/,
    );
  });

  it('returns CHROMIUM_PATH when that exists', () => {
    expect(findChromium(process.execPath, ['/no/such/chromium'])).toBe(
      process.execPath,
    );
  });
});
