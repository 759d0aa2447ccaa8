import type { INestApplication } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { Validator } from '@seriousme/openapi-schema-validator';
import * as swagger12 from '@nestjs/swagger';
import {
  PLATFORMS,
  register,
  startApp,
  type AppSettings,
} from '../support/app.js';
import { startEmulator } from '../support/emulator.js';

// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;

const VERSIONS = {
  8: () => import('swagger8'),
  11: () => import('swagger11'),
  12: async () => swagger12,
} as const;

const ALL_ROUTES = { grants: true, connections: true };

async function documentOf(
  version: keyof typeof VERSIONS,
  settings: AppSettings,
  build: (swagger: typeof swagger12, app: INestApplication) => Json = (
    { DocumentBuilder, SwaggerModule },
    app,
  ) =>
    SwaggerModule.createDocument(
      app,
      new DocumentBuilder().setTitle('App').setVersion('1').build(),
    ),
): Promise<Json> {
  const swagger = (await VERSIONS[version]()) as unknown as typeof swagger12;
  let document: Json;
  // As a main.ts does: before listen().
  await startApp({
    ...settings,
    configure: (app) => (document = build(swagger, app)),
  });
  return JSON.parse(JSON.stringify(document));
}

describe.each([8, 11, 12] as const)('with @nestjs/swagger %i', (version) => {
  it('works', async () => {
    const document = await documentOf(version, { controller: ALL_ROUTES });
    const result = await new Validator().validate(document);
    console.log(JSON.stringify(document, null, 1).slice(0, 9000));
    expect(result).toEqual({ valid: true });
  });
});
