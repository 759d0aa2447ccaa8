import { describe, expect, it } from '@jest/globals';
import { findChromium } from './support/chromium.js';

describe('a machine without Chromium', () => {
  it('is told what to install, rather than that all is well', () => {
    expect(() => findChromium('', ['/no/such/chromium'])).toThrow(
      /apt-get install chromium/,
    );
    expect(() => findChromium('/no/such/chromium')).toThrow(
      'CHROMIUM_PATH is /no/such/chromium, where there is no file.',
    );
  });

  it('does not take another one for the one that is named', () => {
    expect(findChromium(process.execPath, ['/no/such/chromium'])).toBe(
      process.execPath,
    );
  });
});
