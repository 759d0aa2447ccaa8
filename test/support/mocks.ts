import { format } from 'node:util';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { afterTest } from './cleanup.js';

/** Captures what the process prints until the current test ends, and returns a function that reads it. */
export function captureOutput(): () => string {
  let printed = '';
  for (const stream of [process.stdout, process.stderr]) {
    restoreLater(
      jest.spyOn(stream, 'write').mockImplementation((chunk) => {
        printed += String(chunk);
        return true;
      }),
    );
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    restoreLater(
      jest.spyOn(console, method).mockImplementation((...values) => {
        printed += `${format(...values)}\n`;
      }),
    );
  }
  return () => printed;
}

/** Captures the warnings of Nest's logger until the current test ends, in a list that grows. */
export function captureWarnings(): string[] {
  const warnings: string[] = [];
  restoreLater(
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((line: unknown) => void warnings.push(String(line))),
  );
  return warnings;
}

/**
 * Makes every random backoff delay the shortest (0), the longest (1), or that
 * many times the longest, until the current test ends. Create the apps first: Nest draws its ids from
 * `Math.random()` as well.
 */
export function mockBackoff(share: number): void {
  restoreLater(jest.spyOn(Math, 'random').mockReturnValue(share));
}

/** Advances the monotonic clock, on which durations are measured, until the current test ends. */
export function advanceClock(ms: number): void {
  const now = performance.now.bind(performance);
  restoreLater(
    jest.spyOn(performance, 'now').mockImplementation(() => now() + ms),
  );
}

function restoreLater(spy: { mockRestore(): void }): void {
  afterTest(() => spy.mockRestore());
}
