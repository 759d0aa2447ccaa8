import { afterTest } from './cleanup.js';

/** Sets environment variables until the current test ends; `undefined` unsets one. */
export function setEnvironment(
  variables: Record<string, string | undefined>,
): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    afterTest(() => assign(name, before));
    assign(name, value);
  }
}

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
