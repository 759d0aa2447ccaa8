import type { AuthKitConnectionsService } from '../../lib/index.js';
import { reasonOf } from '../support/app.js';
import {
  ADA,
  collect,
  failureOf,
  useConnections,
} from '../support/connections.js';

const METHODS: Record<
  string,
  (service: AuthKitConnectionsService, filter: object) => Promise<unknown>
> = {
  list: (service, filter) => service.list(ADA, filter),
  all: (service, filter) => collect(service.all(ADA, filter)),
  scan: (service, filter) => collect(service.scan(filter)),
  resolve: (service, filter) => service.resolve(ADA, filter),
  deleteAll: (service, filter) => service.deleteAll(ADA, filter),
};

describe.each(Object.entries(METHODS))('the filter of %s()', (name, call) => {
  const { pica, create } = useConnections('pica');

  it.each<[string, object]>([
    ['a misspelt name', { platfrom: 'gmail' }],
    ['an id', { id: 'x' }],
    ['another owner', { identity: 'bob' }],
    ['another type of owner', { identityType: 'team' }],
    ['a parameter of upstream', { skip: 1 }],
    ['a name of Object.prototype', { constructor: 'x' }],
    ['`__proto__`', JSON.parse('{"__proto__":{}}')],
    ['an undefined platform', { platform: undefined }],
    ['undefined tags', { tags: undefined }],
    ['undefined among defined ones', { tags: ['x'], platform: undefined }],
  ])('refuses %s, without a call', async (_, filter) => {
    pica.connect('ada', 'gmail');
    pica.connect('bob', 'gmail');
    const service = await create();
    expect(await reasonOf(call(service, filter))).toBe('invalid_argument');
    expect(pica.requests).toEqual([]);
    expect(pica.connections).toHaveLength(2);
  });

  it('takes the conditions of this method alone, and says which', async () => {
    const service = await create();
    const conditions = {
      list: 'platform, key, tags, active',
      all: 'platform, key, tags, active',
      scan: 'platform, tags, active',
      resolve: 'platform, tags, key',
      deleteAll: 'platform, key, tags, active, dryRun',
    }[name]!;
    const { message } = await failureOf(call(service, { x: 1 }));
    expect(message).toBe(
      `The filter has no condition "x": it takes ${conditions}.`,
    );
    const refused = ['limit', 'key', 'active', 'dryRun'].filter(
      (each) => name !== 'list' && !conditions.includes(each),
    );
    for (const each of refused) {
      expect(await reasonOf(call(service, { [each]: true }))).toBe(
        'invalid_argument',
      );
    }
    expect(pica.requests).toEqual([]);
  });

  it('takes an undefined signal, which is no condition', async () => {
    pica.connect('ada', 'gmail');
    const service = await create();
    expect(await reasonOf(call(service, { signal: undefined }))).toBe('none');
  });
});
