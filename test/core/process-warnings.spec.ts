import { setMaxListeners } from 'node:events';
import { LIMITS } from '../../lib/options/limits.js';
import { createTokenService } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { nodeProcess, takeWarnings } from '../support/process-warnings.js';

const pica = useEmulator({ integrations: 240 });

it('a token of 60 pages in parallel causes no warning of the process', async () => {
  const tokens = await createTokenService(pica, {
    [LIMITS]: { pageSize: 4, concurrency: 60 },
  });
  const { signal } = new AbortController();
  // As many listeners as Node accepts, whatever the caller has.
  setMaxListeners(1, signal);
  for (const _ of ['the first', 'with the number of pages']) {
    const all = [1, 2, 3].map((tenant) =>
      tokens.create({ identity: 'ada', tenant: `${tenant}` }, { signal }),
    );
    for (const { rows } of await Promise.all(all)) {
      expect(rows).toEqual(pica.rows);
    }
  }
  expect(await takeWarnings()).toEqual([]);
});

it('the test kit sees the warnings of the process', async () => {
  nodeProcess.emitWarning('too many', 'MaxListenersExceededWarning');
  expect(await takeWarnings()).toMatchObject([
    { name: 'MaxListenersExceededWarning', message: 'too many' },
  ]);
});
