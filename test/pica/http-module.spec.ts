import { inspect } from 'node:util';
import { HttpModule, HttpService } from '@nestjs/axios';
import { DiscoveryModule, DiscoveryService, NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import axios from 'axios';
import { PicaApi } from '../../lib/pica/pica-api.js';
import {
  createApp,
  createTokenService,
  register,
  startApp,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 20 });
const ADA = { identity: 'ada' };

/** The services of `HttpModule` in an app. */
const httpServices = (discovery: DiscoveryService): HttpService[] =>
  discovery
    .getProviders()
    .map(({ instance }) => instance as unknown)
    .filter((instance) => instance instanceof HttpService);

describe('the HttpService of a registration', () => {
  it('is its own, and `app.get(HttpService)` stays that of the app, before and after init()', async () => {
    const seen: unknown[] = [];
    @Module({
      imports: [
        HttpModule.register({ baseURL: 'http://of-the-app.example' }),
        DiscoveryModule,
        ...['a', 'b'].map((name) => register({ pica, name })),
      ],
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    afterTest(() => app.close());
    const own = app.get(HttpService, { strict: false });
    own.axiosRef.interceptors.request.use((config) => {
      seen.push(config);
      return config;
    });
    await app.init();
    expect(app.get(HttpService, { strict: false })).toBe(own);
    expect(own.axiosRef.defaults.baseURL).toBe('http://of-the-app.example');
    const all = httpServices(app.get(DiscoveryService, { strict: false }));
    // The app's, and one of each registration.
    expect(new Set(all.map(({ axiosRef }) => axiosRef)).size).toBe(3);
    for (const name of ['a', 'b']) {
      const { tokens } = await createApp({ pica, name });
      await tokens.create(ADA);
    }
    expect(seen).toEqual([]);
  });

  it('shows neither key nor agent, however it is inspected', async () => {
    const { app, tokens } = await createApp({
      pica,
      imports: [DiscoveryModule],
    });
    await tokens.create(ADA);
    const [http] = httpServices(app.get(DiscoveryService, { strict: false }));
    const api = app.get(PicaApi, { strict: false });
    for (const value of [http, http!.axiosRef, http!.axiosRef.defaults, api]) {
      const options = { depth: Infinity, showHidden: true };
      const shown = inspect(value, options);
      expect(shown).not.toContain(pica.secretKey);
      expect(shown).not.toMatch(/sockets|Agent\b.*keepAlive/);
    }
  });
});

describe('the defaults of the global axios of an app', () => {
  it.each([
    ['before the app starts', true],
    ['after the app has started', false],
  ])(
    'have no effect on a call when they are set %s',
    async (_when, isBefore) => {
      const seen: unknown[] = [];
      const original = { ...axios.defaults };
      const interceptors = [
        axios.interceptors.request.use((config) => {
          seen.push(config);
          return config;
        }),
      ];
      afterTest(() => {
        for (const each of interceptors) axios.interceptors.request.eject(each);
        for (const name of Object.keys(axios.defaults)) {
          delete (axios.defaults as Record<string, unknown>)[name];
        }
        Object.assign(axios.defaults, original);
      });
      const spoil = () =>
        Object.assign(axios.defaults, {
          baseURL: 'http://of-the-app.example',
          auth: { username: 'crm', password: 'crm-password' },
          params: { api_key: 'key-of-another-service' },
          timeout: 1,
          headers: {
            ...axios.defaults.headers,
            common: { Authorization: 'Bearer of-the-app' },
          },
          transformRequest: [
            (data: unknown, headers: unknown) => {
              seen.push(headers);
              return data;
            },
          ],
          transformResponse: [(data: unknown) => void seen.push(data)],
        });

      if (isBefore) spoil();
      const tokens = await createTokenService(pica);
      if (!isBefore) spoil();
      expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
      const request = pica.requests.find(({ query }) => query.page === '1');
      expect(request?.query).toEqual({ limit: '150', page: '1' });
      expect(request?.headers).not.toHaveProperty('authorization');
      expect(request?.body).toEqual(ADA);
      expect(seen).toEqual([]);
    },
  );

  it('have no effect on the token route', async () => {
    const original = axios.defaults.auth;
    afterTest(() => (axios.defaults.auth = original));
    axios.defaults.auth = { username: 'crm', password: 'crm-password' };
    const { tokenUrl } = await startApp({ pica });
    expect((await requestToken(tokenUrl)).status).toBe(200);
    for (const { headers } of pica.requests) {
      expect(headers).not.toHaveProperty('authorization');
    }
  });
});
