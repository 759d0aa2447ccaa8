import {
  Catch,
  HttpException,
  ValidationPipe,
  VersioningType,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { jest } from '@jest/globals';
import { APP_INTERCEPTOR, RouterModule } from '@nestjs/core';
import { map } from 'rxjs';
import { AuthKitModule, type AuthKitConnection } from '../../lib/index.js';
import { PLATFORMS, startApp, type AppSettings } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { SignInGuard } from '../support/guards.js';
import { readResponse, requestGrant } from '../support/http.js';
import { captureOutput } from '../support/mocks.js';

const pica = useEmulator();

type Init = { body?: unknown; headers?: Record<string, string> };

describe.each(PLATFORMS)('the routes for connections on %s', (platform) => {
  const start = async (settings: AppSettings = {}) => {
    const { url } = await startApp({
      pica,
      platform,
      controller: { guards: [SignInGuard], connections: true },
      ...settings,
    });
    return async (
      method: string,
      path = '',
      { body, headers = {} }: Init = {},
      route = 'authkit-connections',
    ) =>
      readResponse(
        await fetch(`${url}/${route}${path}`, {
          method,
          headers: {
            authorization: 'Bearer ada',
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      );
  };

  it('list the connections of the caller alone, with the documented fields', async () => {
    const mine = pica.connect('ada', 'gmail', { name: 'Work', tags: ['a'] });
    pica.connect('bob', 'gmail');
    pica.fault({
      path: '/v1/vault/connections',
      transform: (page) => ({
        ...page,
        rows: page.rows.map((row: object) => ({ ...row, secretsId: 's_1' })),
      }),
    });
    const request = await start();
    for (const query of ['', '?platform=gmail', '?identity=bob&x=1']) {
      const response = await request('GET', query);
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject({ total: 1, pages: 1, page: 1 });
      expect(response.body.rows).toMatchObject([{ id: mine.id, name: 'Work' }]);
      expect(response.body.rows[0]).not.toHaveProperty('secretsId');
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    expect((await request('GET', '?platform=slack')).body.rows).toEqual([]);
  });

  it.each([
    '?limit=0',
    '?limit=151',
    '?limit=ten',
    '?limit=-1',
    '?page=0',
    '?page=1.5',
    '?page=null',
    '?page=1&page=2',
    '?platform=a&platform=b',
  ])('answer 400 without a call for the query %s', async (query) => {
    const request = await start();
    const response = await request('GET', query);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({
      statusCode: 400,
      reason: 'invalid_argument',
    });
    expect(pica.requests).toEqual([]);
  });

  it('return, rename and delete a connection of the caller', async () => {
    const { id } = pica.connect('ada', 'gmail', { tags: ['a'] });
    const request = await start();
    expect((await request('GET', `/${id}`)).body.id).toBe(id);
    const renamed = await request('PATCH', `/${id}`, { body: { name: 'Own' } });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toMatchObject({ id, name: 'Own', tags: ['a'] });
    const deleted = await request('DELETE', `/${id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(pica.connections).toEqual([]);
  });

  it('answer the same 404 for a foreign connection as for one that does not exist', async () => {
    const foreign = pica.connect('bob', 'gmail');
    const request = await start();
    const missing = 'c0000000-0000-4000-8000-00000000ffff';
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { name: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      const responses = await Promise.all(
        [foreign.id, missing, '..%2F..%2Fusers%2Fflags', '%00', 'ü'].map((id) =>
          request(method, `/${id}`, { body }),
        ),
      );
      for (const { status, text } of responses) {
        expect(status).toBe(404);
        expect(text).toBe(responses[0]!.text);
      }
    }
    expect(pica.connections).toEqual([foreign]);
    expect(pica.requests.map(({ path }) => path)).not.toContain(
      '/v1/users/flags',
    );
  });

  it.each<[number, string, Init]>([
    [400, 'an unknown field', { body: { name: 'x', tags: [] } }],
    [400, 'no name', { body: {} }],
    [400, 'a name that is a number', { body: { name: 5 } }],
    [400, 'a name of 257 characters', { body: { name: 'x'.repeat(257) } }],
    [400, 'a list', { body: [] }],
    [
      415,
      'another content type',
      { body: '{"name":"x"}', headers: { 'content-type': 'text/plain' } },
    ],
  ])('answer %d to a PATCH with %s', async (status, _what, init) => {
    const { id, name } = pica.connect('ada', 'gmail');
    const request = await start();
    expect((await request('PATCH', `/${id}`, init)).status).toBe(status);
    expect(pica.connections).toMatchObject([{ id, name }]);
  });

  it('are behind the guards, and a grant does not open them', async () => {
    const { id } = pica.connect('ada', 'gmail');
    const { url, tokenUrl } = await startApp({
      pica,
      platform,
      controller: { grants: true, connections: true },
    });
    const { body: grant } = await requestGrant(tokenUrl);
    for (const headers of [{}, grant.headers]) {
      const response = await fetch(`${url}/authkit-connections/${id}`, {
        headers,
      });
      expect(response.status).toBe(401);
    }
    expect(pica.requests).toEqual([]);
  });

  describe('confirm a connection', () => {
    const confirmation = () => {
      const calls: unknown[][] = [];
      const onConnected = (...args: unknown[]) => void calls.push(args);
      return { calls, options: { onConnected } };
    };

    it('and call onConnected once, with the owner and its other connections of the platform', async () => {
      const { calls, options } = confirmation();
      const other = pica.connect('ada', 'gmail');
      pica.connect('ada', 'slack');
      pica.connect('bob', 'gmail');
      const { id, key } = pica.connect('ada', 'gmail');
      const request = await start({ options });
      const response = await request('POST', '', { body: { key } });
      expect(response.status).toBe(200);
      expect(response.body.id).toBe(id);
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject([
        { id, key },
        { identity: 'ada' },
        { others: [{ id: other.id }] },
      ]);
    });

    it('that is visible only later', async () => {
      const request = await start();
      const response = request('POST', '', {
        body: { key: 'test::gmail::default::ada' },
      });
      setTimeout(() => pica.connect('ada', 'gmail'), 300);
      expect((await response).status).toBe(200);
    });

    it('and answer 404 for a key that is somebody else’s, without calling onConnected', async () => {
      const { calls, options } = confirmation();
      const { key } = pica.connect('bob', 'gmail');
      const request = await start({ options });
      const response = await request('POST', '', { body: { key } });
      expect(response.status).toBe(404);
      expect(response.body.reason).toBe('not_found');
      expect(calls).toEqual([]);
    });

    it('with its documented fields', async () => {
      const { id, key } = pica.connect('ada', 'gmail');
      pica.fault({
        path: '/v1/vault/connections',
        transform: (page) => ({
          ...page,
          rows: page.rows.map((row: object) => ({ ...row, secretsId: 's_1' })),
        }),
      });
      const request = await start();
      const { body } = await request('POST', '', { body: { key } });
      expect(body).toMatchObject({ id, platform: 'gmail' });
      expect(body).not.toHaveProperty('secretsId');
    });

    it('that replaces another, and again after onConnected has thrown', async () => {
      let isBroken = true;
      const seen: (AuthKitConnection | undefined)[] = [];
      @Catch(HttpException)
      class Filter implements ExceptionFilter {
        catch(_: HttpException, host: ArgumentsHost): void {
          const reply = host.switchToHttp().getResponse();
          if ('raw' in reply) reply.code(418).send({ filter: true });
          else reply.status(418).json({ filter: true });
        }
      }
      const old = pica.connect('ada', 'gmail', { name: 'Work', tags: ['a'] });
      const { id, key } = pica.connect('ada', 'gmail');
      const request = await start({
        options: {
          onConnected: (_connection, _owner, { replaced }) => {
            seen.push(replaced);
            if (isBroken) throw new HttpException('Not now', 503);
          },
        },
        configure: (app) => app.useGlobalFilters(new Filter()),
      });
      const body = { key, replaces: old.id };
      const failed = await request('POST', '', { body });
      expect([failed.status, failed.body]).toEqual([418, { filter: true }]);
      isBroken = false;
      const confirmed = await request('POST', '', { body });
      expect(confirmed.body).toMatchObject({ id, name: 'Work', tags: ['a'] });
      expect(seen).toMatchObject([{ id: old.id }, { id: old.id }]);
      expect(pica.connections.map((each) => each.id)).toEqual([id]);
    });

    it('and delete the one that it replaces after onConnected has succeeded', async () => {
      const old = pica.connect('ada', 'gmail');
      const { key } = pica.connect('ada', 'gmail');
      let during: number | undefined;
      const request = await start({
        options: { onConnected: () => void (during = pica.connections.length) },
      });
      const body = { key, replaces: old.id };
      expect((await request('POST', '', { body })).status).toBe(200);
      expect([during, pica.connections.length]).toEqual([2, 1]);
    });

    it('and neither delete nor change a foreign one that it is to replace', async () => {
      const foreign = pica.connect('bob', 'gmail');
      const { key } = pica.connect('ada', 'gmail');
      const request = await start();
      const body = { key, replaces: foreign.id };
      expect((await request('POST', '', { body })).status).toBe(200);
      expect(pica.connections).toContainEqual(foreign);
    });

    it('and keep one of another platform that it is to replace', async () => {
      const { calls, options } = confirmation();
      const old = pica.connect('ada', 'slack');
      const { id, key } = pica.connect('ada', 'gmail');
      const request = await start({ options });
      const body = { key, replaces: old.id };
      const response = await request('POST', '', { body });
      expect([response.status, response.body.id]).toEqual([200, id]);
      expect(calls).toHaveLength(1);
      expect(pica.connections).toHaveLength(2);
    });
  });

  describe('call onDisconnected after the DELETE route has deleted', () => {
    it('with the connection as it was, and its owner', async () => {
      const { id, key } = pica.connect('ada', 'gmail', { name: 'Work' });
      const calls: unknown[][] = [];
      const request = await start({
        options: {
          onDisconnected: (...args: unknown[]) =>
            void calls.push([...args, pica.connections.length]),
        },
      });
      expect((await request('DELETE', `/${id}`)).status).toBe(204);
      expect(calls).toMatchObject([
        [{ id, key, name: 'Work' }, { identity: 'ada' }, 0],
      ]);
    });

    it('and not for a connection of somebody else, or one that could not be deleted', async () => {
      const mine = pica.connect('ada', 'gmail');
      const foreign = pica.connect('bob', 'gmail');
      const onDisconnected = jest.fn<() => void>();
      const request = await start({ options: { onDisconnected } });
      expect((await request('DELETE', `/${foreign.id}`)).status).toBe(404);
      pica.fault({ method: 'DELETE', status: 404 });
      expect((await request('DELETE', `/${mine.id}`)).status).toBe(502);
      expect(onDisconnected).not.toHaveBeenCalled();
      expect(pica.connections).toHaveLength(2);
    });

    it('and log what it throws, which changes nothing', async () => {
      const { id } = pica.connect('ada', 'gmail');
      const request = await start({
        options: {
          onDisconnected: async () => {
            throw new TypeError('private');
          },
        },
        logs: true,
      });
      const output = captureOutput();
      const response = await request('DELETE', `/${id}`);
      expect([response.status, response.text]).toEqual([204, '']);
      expect(pica.connections).toEqual([]);
      expect(output()).toMatch(/onDisconnected function threw TypeError/);
      expect(output()).not.toContain('private');
    });
  });

  it('are at another path, prefix and version, and obey an interceptor of the app', async () => {
    pica.connect('ada', 'gmail');
    const request = await start({
      controller: {
        guards: [SignInGuard],
        version: '2',
        connections: { path: 'mine/' },
      },
      providers: [
        {
          provide: APP_INTERCEPTOR,
          useValue: {
            intercept: (
              _: unknown,
              next: { handle(): import('rxjs').Observable<unknown> },
            ) => next.handle().pipe(map((data) => ({ data }))),
          },
        },
      ],
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
        app.useGlobalPipes(
          new ValidationPipe({
            whitelist: true,
            forbidNonWhitelisted: true,
            transform: true,
          }),
        );
      },
    });
    const response = await request('GET', '?utm=1', {}, 'api/v2/mine');
    expect(response.status).toBe(200);
    expect(response.body.data.rows).toHaveLength(1);
  });

  it('of two registrations are apart', async () => {
    pica.connect('ada', 'gmail');
    const register = (path: string, identity: string) =>
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        identity: () => identity,
        controller: { path: `${path}-token`, connections: { path } },
      });
    const request = await start({
      registrations: [register('hers', 'ada'), register('his', 'bob')],
    });
    expect((await request('GET', '', {}, 'hers')).body.total).toBe(1);
    expect((await request('GET', '', {}, 'his')).body.total).toBe(0);
  });

  it('follow RouterModule', async () => {
    const registration = AuthKitModule.forRoot({
      secretKey: pica.secretKey,
      baseUrl: pica.url,
      controller: { guards: [SignInGuard], connections: true },
    });
    const request = await start({
      registrations: [registration],
      imports: [
        RouterModule.register([{ path: 'team', module: AuthKitModule }]),
      ],
    });
    const response = await request('GET', '', {}, 'team/authkit-connections');
    expect(response.status).toBe(200);
  });
});
