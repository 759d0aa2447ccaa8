import { createRequire } from 'node:module';
import { configure } from '@codegenie/serverless-express';
import { awsLambdaFastify } from '@fastify/aws-lambda';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { createApp, type AppSettings, type Platform } from './app.js';
import { WIDGET, type HttpResponse } from './http.js';

/** The host of an API of API Gateway. */
export const API = 'https://a1b2c3.execute-api.eu-central-1.amazonaws.com';

/** A request to an API of API Gateway, by default the widget's request for a token as the user `ada` of the `SignInGuard`. */
export interface LambdaRequest {
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  cookies?: string[];
  body?: string;
}

/** Sends a request to a function. */
export type Invoke = (request?: LambdaRequest) => Promise<HttpResponse>;

/** Creates an app in a function behind API Gateway: it is initialized and listens nowhere. It closes after the current test. */
export async function createFunction(
  settings: AppSettings & { platform: Platform },
): Promise<{ invoke: Invoke; app: INestApplication }> {
  const { app } = await createApp({ controller: {}, ...settings });
  const instance = app.getHttpAdapter().getInstance();
  if (settings.platform === 'Fastify') {
    mockCookiePackage();
    await instance.ready();
  }
  const handler: (event: object, context: object) => Promise<unknown> =
    settings.platform === 'Express'
      ? (event, context) =>
          configure({ app: instance })(event, context, () => {})
      : (awsLambdaFastify(instance, { decorateRequest: false }) as never);
  return {
    app,
    invoke: async (request) =>
      readResult((await handler(createEvent(request), {})) as LambdaResult),
  };
}

/**
 * Fastify's `inject()` requires a package in ESM, which Jest on Node 20 cannot
 * load. It uses it for an option that no test has.
 */
function mockCookiePackage(): void {
  const require = createRequire(import.meta.url);
  const parent = createRequire(require.resolve('light-my-request'));
  jest.doMock(parent.resolve('cookie'), () => ({}));
}

/** The event of an HTTP API, payload format 2.0. */
function createEvent({
  method = 'POST',
  path = '/authkit-token',
  query = '',
  headers = { authorization: 'Bearer ada' },
  cookies,
  body = method === 'POST' ? '{}' : undefined,
}: LambdaRequest = {}): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(query && {
      queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    }),
    ...(cookies && { cookies }),
    headers: {
      host: new URL(API).host,
      origin: WIDGET,
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3',
      domainName: new URL(API).host,
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: '203.0.113.7',
        userAgent: 'test',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      stage: '$default',
    },
    // As API Gateway does it for types that it holds for binary.
    ...(body !== undefined && {
      body: Buffer.from(body).toString('base64'),
      isBase64Encoded: true,
    }),
  };
}

/** What a function returns to API Gateway. */
interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** Reads a result as API Gateway does, which accepts headers that are strings alone. */
function readResult(result: LambdaResult): HttpResponse {
  const { statusCode, headers, body = '', isBase64Encoded } = result;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') {
      throw new Error(`The header ${name} is a ${typeof value}`);
    }
  }
  const text = Buffer.from(
    body,
    isBase64Encoded ? 'base64' : 'utf8',
  ).toString();
  const isJson = headers['content-type']?.includes('json');
  return {
    status: statusCode,
    headers: new Headers(headers),
    text,
    body: isJson ? JSON.parse(text) : text,
  };
}
