import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { AUTHKIT_ERROR_REASONS } from '../authkit.exception.js';
import { IDENTITY_TYPES } from '../authkit.types.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';

/**
 * The keys of the metadata that `@nestjs/swagger` 8, 11 and 12 read. Setting
 * them needs no import.
 */
const KEYS = {
  operation: 'swagger/apiOperation',
  parameters: 'swagger/apiParameters',
  response: 'swagger/apiResponse',
  tags: 'swagger/apiUseTags',
  excluded: 'swagger/apiExcludeEndpoint',
  properties: 'swagger/apiModelProperties',
  propertyNames: 'swagger/apiModelPropertiesArray',
} as const;

/**
 * Defines a schema of the document.
 *
 * @param properties each as `ApiProperty()` describes it, or the description of a string. A name with `?` is optional.
 */
function defineModel(
  name: string,
  properties: Record<string, string | object>,
): Type {
  const Model = { [name]: class {} }[name]!;
  const prototype: object = Model.prototype;
  const names: string[] = [];
  for (const [key, given] of Object.entries(properties)) {
    const name = key.replace('?', '');
    const isText = typeof given === 'string';
    const schema = isText ? { ...text, description: given } : given;
    const metadata = { required: name === key, ...schema };
    Reflect.defineMetadata(KEYS.properties, metadata, prototype, name);
    names.push(`:${name}`);
  }
  Reflect.defineMetadata(KEYS.propertyNames, names, prototype);
  return Model;
}

const text = { type: 'string' };
const nullable = { ...text, nullable: true };
const integer = (description: string) => ({ type: 'integer', description });
const boolean = { type: 'boolean' };
const texts = { type: 'array', items: text };
/** Beside `oneOf`, `@nestjs/swagger` leaves the type out, but wants one. */
const id = { ...text, oneOf: [text, { type: 'integer' }] };
const one = (Model: Type) => ({ type: () => Model });
const list = (Model: Type) => ({ ...one(Model), isArray: true });

const PAGE_COUNTS = {
  total: integer('The number of rows on all pages.'),
  pages: integer('The number of pages.'),
  page: integer('The number of this page, from 1.'),
};

const Integration = defineModel('AuthKitIntegration', {
  id,
  'title?': 'The name that the widget shows.',
  'type?': text,
  'image?': 'The URL of the logo.',
  'active?': boolean,
  'environment?': 'test or live.',
  'tags?': texts,
});

const Token = defineModel('AuthKitToken', {
  rows: list(Integration),
  ...PAGE_COUNTS,
  requestId: { ...id, nullable: true },
  'isWhiteLabel?': boolean,
});

const Authorization = 'Bearer and the grant.';
const GrantHeaders = defineModel('AuthKitGrantHeaders', { Authorization });

const Grant = defineModel('AuthKitWidgetToken', {
  url: { ...text, format: 'uri' },
  headers: one(GrantHeaders),
  expiresAt: { ...text, format: 'date-time' },
});

const Connection = defineModel('AuthKitConnection', {
  id: text,
  key: 'The Connection Key that calls through the service need.',
  platform: 'The platform, e.g. gmail.',
  'platformVersion?': text,
  'type?': 'The kind of the platform, e.g. api.',
  'name?': nullable,
  'environment?': 'test or live.',
  'identity?': nullable,
  'identityType?': { ...nullable, enum: IDENTITY_TYPES },
  'description?': nullable,
  'image?': "The URL of the platform's logo.",
  'title?': "The platform's name.",
  'connector?': text,
  'state?': 'operational, degraded, failed (connect again) or unknown.',
  'tags?': texts,
  'version?': text,
  'active?': boolean,
  'createdAt?': 'When it was made, in ISO 8601.',
});

const ConnectionPage = defineModel('AuthKitConnectionPage', {
  rows: list(Connection),
  ...PAGE_COUNTS,
});

const UpdateConnection = defineModel('AuthKitUpdateConnection', {
  name: { ...text, maxLength: 256 },
});

const ConfirmConnection = defineModel('AuthKitConfirmConnection', {
  key: 'The key that onSuccess gave to the page.',
  'replaces?': 'The id of the connection that the user has connected again.',
});

const ErrorBody = defineModel('AuthKitError', {
  statusCode: integer('The status of the response.'),
  message: 'What the widget shows.',
  'error?': 'The name of the status.',
  'reason?': { ...text, enum: AUTHKIT_ERROR_REASONS },
});

const ERRORS = {
  400: 'The identity or the request is not valid.',
  401: 'The caller is not signed in.',
  403: 'Pages of this origin may not call this route.',
  404: 'The caller has no such connection.',
  415: 'The body is not JSON.',
  502: 'The integration service is not available, or refuses the request.',
  503: 'Too many requests, or the quota is used up. Retry-After says when to try again.',
  504: 'The integration service took too long.',
} as const;

const UPSTREAM = [502, 503, 504] as const;
const ONE = [404, ...UPSTREAM] as const;
const CHANGE = [415, ...ONE] as const;

/** `errors` are those beside 400, 401 and 403, which every route may have. */
type Route = readonly [
  summary: string,
  success: Type | undefined,
  errors: readonly (keyof typeof ERRORS)[],
  parameters?: readonly object[],
];

const ID = { name: 'id', in: 'path', required: true, schema: text };
const body = (type: Type) => ({ in: 'body', required: true, type });
const RENAMED = [ID, body(UpdateConnection)];
const CONFIRMED = [body(ConfirmConnection)];
const page = { type: 'integer', minimum: 1, default: 1 };
const limit = { ...page, maximum: MAX_PAGE_SIZE, default: 20 };
const QUERY = Object.entries({ platform: text, key: text, page, limit }).map(
  ([name, schema]) => ({ name, in: 'query', required: false, schema }),
);

export const TOKEN_ROUTE: Route = ['Creates an AuthKit token', Token, UPSTREAM];
// The identity function has the timeout of a token.
export const GRANT_ROUTE: Route = ['Issues a grant for a token', Grant, [504]];
export const CONNECTION_ROUTES = {
  list: ['Lists connections', ConnectionPage, UPSTREAM, QUERY],
  get: ['Returns a connection', Connection, ONE, [ID]],
  update: ['Renames a connection', Connection, CHANGE, RENAMED],
  delete: ['Deletes a connection for good', undefined, ONE, [ID]],
  confirm: ['Confirms a new connection', Connection, CHANGE, CONFIRMED],
} as const satisfies Record<string, Route>;

/** Describes a route in the app's OpenAPI document. Decorators of `@nestjs/swagger` that are applied later take precedence. */
export function DescribeRoute([
  summary,
  success,
  errors,
  parameters = [],
]: Route): MethodDecorator {
  const responses: Record<number, object> = success
    ? { 200: { description: 'Success.', type: success } }
    : { 204: { description: 'Success, without a body.' } };
  for (const error of [400, 401, 403, ...errors] as const) {
    responses[error] = { description: ERRORS[error], type: ErrorBody };
  }
  return applyDecorators(
    SetMetadata(KEYS.operation, { summary }),
    SetMetadata(KEYS.response, responses),
    SetMetadata(KEYS.parameters, [...parameters]),
  );
}

/** Leaves a route out of the app's OpenAPI document. */
export function HideRoute(): MethodDecorator {
  return SetMetadata(KEYS.excluded, { disable: true });
}

/** Tags a controller, unless the app's own decorators have. */
export function tagController(target: Type): void {
  if (Reflect.hasMetadata(KEYS.tags, target)) return;
  Reflect.defineMetadata(KEYS.tags, ['AuthKit'], target);
}
