import { reasonOf } from '../support/app.js';
import {
  ADA,
  controller,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { until } from '../support/until.js';

describe.each(VENDOR_NAMES)('connections of %s', (vendor) => {
  const { pica, create } = useConnections(vendor);
  it.each(['list', 'get', 'update', 'replace', 'delete', 'resolve'])(
    '%s is cancelled by its signal, before and within a call, and closes its calls',
    async (method) => {
      const mine = pica.connect('ada', 'gmail');
      const renewed = pica.connect('ada', 'gmail');
      const service = await create();
      const call = (signal: AbortSignal): Promise<unknown> => {
        switch (method) {
          case 'list':
            return service.list(ADA, { signal });
          case 'get':
            return service.get(ADA, mine.id, { signal });
          case 'update':
            return service.update(ADA, mine.id, { name: 'x' }, { signal });
          case 'replace':
            return service.replace(ADA, mine.id, renewed.key, { signal });
          case 'delete':
            return service.delete(ADA, mine.id, { signal });
          default:
            return service.resolve(ADA, { signal });
        }
      };
      expect(await reasonOf(call(AbortSignal.abort()))).toBe('cancelled');
      expect(pica.requests).toEqual([]);
      pica.fault({ hang: true });
      const { signal, abort } = controller();
      const reason = reasonOf(call(signal));
      await until(() => pica.requests.length > 0);
      abort();
      expect(await reason).toBe('cancelled');
      await until(() => pica.requests.every(({ aborted }) => aborted));
    },
  );
});
