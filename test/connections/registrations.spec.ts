import { AuthKitConnectionsService } from '../../lib/index.js';
import { createApp, optionsFor, reasonOf, register } from '../support/app.js';
import {
  ADA,
  CONNECTIONS,
  createConnectionsService,
} from '../support/connections.js';
import { useEmulator } from '../support/emulator.js';
import { startServer } from '../support/server.js';

describe('connections', () => {
  const pica = useEmulator({ integrations: 3 });
  const one = useEmulator({
    vendor: 'one',
    secretKey: 'sk_test_one',
    integrations: 3,
  });

  it('of two registrations side by side are those of their own upstream', async () => {
    pica.connect('ada', 'gmail');
    one.connect('ada', 'slack');
    one.connect('ada', 'slack');
    const first = await createConnectionsService(pica);
    const second = await createConnectionsService(one);
    expect(await first.list(ADA)).toMatchObject({ total: 1 });
    expect(await second.list(ADA)).toMatchObject({ total: 2 });
    expect(await second.deleteAll(ADA)).toBe(2);
    expect(pica.connections).toHaveLength(1);
  });

  it('are exported by the module without routes, with the secret key of a function', async () => {
    pica.connect('ada', 'gmail');
    const asked: unknown[] = [];
    const service = await createConnectionsService(pica, {
      secretKey: async (identity) => {
        asked.push(identity?.identity);
        return pica.secretKey;
      },
    });
    expect(await service.list(ADA)).toMatchObject({ total: 1 });
    expect(asked).toEqual(['ada']);
  });

  it('are not sent a redirect to, nor to another host by an id or a key', async () => {
    const hits: string[] = [];
    const url = await startServer((request, response) => {
      hits.push(request.url ?? '');
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    const app = await createApp({
      registrations: [register({ pica: { ...optionsFor(), url } as never })],
    });
    const service = app.get(AuthKitConnectionsService);
    for (const id of ['http:evil', 'http:..evil', 'a:b']) {
      expect(await reasonOf(service.get(ADA, id))).toBe('unavailable');
    }
    expect(hits).toEqual([
      `${CONNECTIONS}/http%3Aevil`,
      `${CONNECTIONS}/http%3A..evil`,
      `${CONNECTIONS}/a%3Ab`,
    ]);
  });
});
