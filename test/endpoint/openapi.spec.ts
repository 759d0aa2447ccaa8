import { jest } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { runInNode } from '../support/run-in-node.js';

jest.setTimeout(120_000);

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: object[];
  parameters: { name: string; in: string; schema: object }[];
  requestBody?: object;
  responses: Record<
    string,
    { content?: Record<string, { schema: { $ref: string } }> }
  >;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, any> }> }; // oxlint-disable-line typescript/no-explicit-any
}

const REASONS = [
  ...['unidentified', 'invalid_identity', 'secret_rejected'],
  ...['quota_exceeded', 'rate_limited', 'rejected', 'unavailable'],
  ...['timed_out', 'malformed', 'not_found', 'invalid_argument'],
  ...['not_connected', 'reconnect_required', 'ambiguous'],
];

const routesOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
const operationsOf = ({ paths }: Document) =>
  Object.values(paths).flatMap((operations) => Object.values(operations));
const schemaOf = ({ responses }: Operation, status: number) =>
  responses[status]?.content?.['application/json']?.schema.$ref.replace(
    '#/components/schemas/',
    '',
  );

describe.each([
  ['8', 'swagger8'],
  ['11', 'swagger11'],
  ['12', '@nestjs/swagger'],
])('an app with @nestjs/swagger %s', (_version, name) => {
  let documents: Record<string, Document>;
  beforeAll(async () => {
    const printed = await runInNode('openapi-documents.ts', name);
    documents = JSON.parse(printed);
  });

  it('has valid OpenAPI documents, whatever its registrations and platform', async () => {
    const names = Object.keys(documents);
    expect(names).toEqual(
      expect.arrayContaining(['all', 'fastify', 'registrations', 'versions']),
    );
    for (const each of names) {
      const result = await new Validator().validate({ ...documents[each]! });
      expect({ each, ...result }).toEqual({ each, valid: true });
    }
  });

  it.each(['all', 'fastify'])(
    'documents every route and no OPTIONS route (%s)',
    (each) => {
      expect(routesOf(documents[each]!).sort()).toEqual([
        'delete /authkit-connections/{id}',
        'get /authkit-connections',
        'get /authkit-connections/{id}',
        'patch /authkit-connections/{id}',
        'post /authkit-connections',
        'post /authkit-token',
        'post /authkit-token/grant',
      ]);
    },
  );

  it('documents only the routes that are mounted', () => {
    expect(routesOf(documents.tokenAlone!)).toEqual(['post /authkit-token']);
  });

  it('documents the schema of each success', () => {
    const { paths } = documents.all!;
    expect(schemaOf(paths['/authkit-token']!.post!, 200)).toBe('AuthKitToken');
    expect(schemaOf(paths['/authkit-token/grant']!.post!, 200)).toBe(
      'AuthKitWidgetToken',
    );
    const list = paths['/authkit-connections']!;
    const one = paths['/authkit-connections/{id}']!;
    expect(schemaOf(list.get!, 200)).toBe('AuthKitConnectionPage');
    expect(schemaOf(list.post!, 200)).toBe('AuthKitConnection');
    expect(schemaOf(one.get!, 200)).toBe('AuthKitConnection');
    expect(schemaOf(one.patch!, 200)).toBe('AuthKitConnection');
    expect(one.delete!.responses['204']).toBeDefined();
    const { schemas } = documents.all!.components;
    expect(Object.keys(schemas.AuthKitToken!.properties)).toEqual(
      expect.arrayContaining(['rows', 'total', 'pages', 'page', 'requestId']),
    );
  });

  it('documents queries, parameters and bodies of the routes for connections', () => {
    const { paths } = documents.all!;
    const list = paths['/authkit-connections']!;
    const one = paths['/authkit-connections/{id}']!;
    expect(list.get!.parameters.map(({ name }) => name)).toEqual([
      ...['platform', 'key', 'page', 'limit'],
    ]);
    expect(one.get!.parameters.map(({ name }) => name)).toEqual(['id']);
    expect(JSON.stringify(one.patch!.requestBody)).toContain(
      'AuthKitUpdateConnection',
    );
    expect(JSON.stringify(list.post!.requestBody)).toContain(
      'AuthKitConfirmConnection',
    );
  });

  it('documents the errors of every route, with the reasons as an enum', () => {
    for (const operation of operationsOf(documents.all!)) {
      const errors = Object.keys(operation.responses).filter(
        (status) => Number(status) >= 400,
      );
      expect(errors).toEqual(expect.arrayContaining(['400', '401', '403']));
      for (const status of errors) {
        expect(schemaOf(operation, Number(status))).toBe('AuthKitError');
      }
    }
    const { AuthKitError } = documents.all!.components.schemas;
    expect(AuthKitError!.properties.reason.enum).toEqual(REASONS);
    expect(AuthKitError!.properties.message.type).toBe('string');
  });

  it('documents that a grant fails where the identity function takes too long', () => {
    const { post } = documents.all!.paths['/authkit-token/grant']!;
    expect(schemaOf(post!, 504)).toBe('AuthKitError');
  });

  it.each(['registrations', 'versions'])(
    'gives every operation of several registrations an id of its own (%s)',
    (each) => {
      const operations = operationsOf(documents[each]!);
      expect(operations).toHaveLength(21);
      const ids = operations.map(({ operationId }) => operationId);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it('documents the tags, the security and the summary of the decorators option', () => {
    const operations = operationsOf(documents.decorated!);
    for (const { tags, security } of operations) {
      expect(tags).toEqual(['integrations']);
      expect(security).toEqual([{ session: [] }]);
    }
    const { post } = documents.decorated!.paths['/authkit-token']!;
    expect(post!.summary).toBe('The token of the widget');
    expect(operationsOf(documents.all!)[0]!.tags).toEqual(['AuthKit']);
  });
});
