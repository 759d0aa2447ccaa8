import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import type { EmulatorFault } from '../../lib/testing/index.js';
import { createTokenService, reasonOf } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { CONNECTIONS } from '../support/connections.js';
import { useEmulator } from '../support/emulator.js';
import { traceEvents } from '../support/trace.js';

const pica = useEmulator({ integrations: 20 });
const PAGES = '/v1/authkit';
const CONNECTORS = '/v1/available-connectors';
const PATHS = [PAGES, CONNECTORS, CONNECTIONS];

/** The paths of each combination of calls that fail. */
const combinations = [1, 2, 3, 4, 5, 6, 7].map((bits) =>
  PATHS.filter((_, index) => bits & (1 << index)),
);

/** What the caller, the channel of the token and the log say of a list of integrations. */
async function failAs(faults: (EmulatorFault & { path: string })[]) {
  const tokens = await createTokenService(pica, { retries: 0 });
  const lines: string[] = [];
  for (const level of ['error', 'warn'] as const) {
    const spy = jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    afterTest(() => spy.mockRestore());
  }
  const events = traceEvents(['token']);
  for (const fault of faults) pica.fault(fault);
  const reason = await reasonOf(
    tokens.integrations({ identity: 'ada' }, { connections: true }),
  );
  const [failed] = events.filter(({ event }) => event === 'error');
  const [, logged] = /^No integrations: (\w+)/.exec(lines.join()) ?? [];
  return [reason, failed?.context.reason, logged];
}

describe('the failure of one of several parallel calls is that of the request, for the caller, a trace, a metric and the log', () => {
  it.each(combinations)('if %s %s %s fail', async (...failing) => {
    const faults = PATHS.map((path) =>
      failing.includes(path)
        ? { path, status: 401 }
        : { path, hang: true as const },
    );
    expect(await failAs(faults)).toEqual(
      Array.from({ length: 3 }, () => 'secret_rejected'),
    );
  });

  it.each(PATHS)('if %s fails first', async (first) => {
    const faults = PATHS.map((path) =>
      path === first
        ? { path, status: 402 }
        : { path, status: 401, delay: 200 },
    );
    expect(await failAs(faults)).toEqual(
      Array.from({ length: 3 }, () => 'quota_exceeded'),
    );
  });
});
