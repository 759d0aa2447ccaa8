import { format } from 'node:util';
import { jest } from '@jest/globals';

/** Catches what the process prints, until the test's mocks are restored. */
export function captureOutput(): () => string {
  let printed = '';
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed += String(chunk);
      return true;
    });
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    jest.spyOn(console, method).mockImplementation((...values) => {
      printed += `${format(...values)}\n`;
    });
  }
  return () => printed;
}
