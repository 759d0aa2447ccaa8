import type { Type } from '@nestjs/common';
import { AUTHKIT_ERROR_REASONS } from '../authkit.exception.js';
import { IDENTITY_TYPES } from '../authkit.types.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';

/**
 * The keys of the metadata that `@nestjs/swagger` reads, the same in its
 * versions 8, 11 and 12. Setting them needs no import: an app without
 * `@nestjs/swagger` has a few objects that nothing reads.
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

/** The tag of the routes, where the option `decorators` sets none. */
const TAG = 'AuthKit';

/** A property of a model, as `ApiProperty()` describes it. */
interface Property {
  readonly type?: string | (() => Type);
  readonly description?: string;
  readonly isArray?: boolean;
  readonly required?: boolean;
  readonly [field: string]: unknown;
}

/** What `ApiOperation()`, `ApiResponse()`, `ApiQuery()` and `ApiBody()` say of a route. */
interface RouteDescription {
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly object[];
  readonly body?: Type;
  /** The status and the body of a success. */
  readonly success: readonly [status: number, description: string, body?: Type];
  /** The statuses of the errors beside those of every route. */
  readonly errors?: readonly (keyof typeof ERRORS)[];
}

/** Defines a model with a name of its own among the schemas of the document. */
function defineModel(name: string, properties: Record<string, Property>): Type {
  const Model = { [name]: class {} }[name]!;
  const target: object = Model.prototype;
  const names = Object.keys(properties);
  for (const property of names) {
    const described = { required: true, ...properties[property] };
    Reflect.defineMetadata(KEYS.properties, described, target, property);
  }
  const listed = names.map((property) => `:${property}`);
  Reflect.defineMetadata(KEYS.propertyNames, listed, target);
  return Model;
}

const text = (description: string, more: object = {}): Property => ({
  type: 'string',
  description,
  ...more,
});
const optional = { required: false };
const nullable = { required: false, nullable: true };

const count = (description: string): Property => ({
  type: 'integer',
  description,
});

/** `@nestjs/swagger` wants a type, and leaves it out beside `oneOf`. */
const STRING_OR_INTEGER = {
  type: 'string',
  oneOf: [{ type: 'string' }, { type: 'integer' }],
};

const PAGE_COUNTS = {
  total: count('The number of rows on all pages.'),
  pages: count('The number of pages.'),
  page: count('The number of this page, from 1.'),
};

const Integration = defineModel('AuthKitIntegration', {
  id: { ...STRING_OR_INTEGER, description: 'The id of the integration.' },
  title: text('The name that the widget shows.', optional),
  type: text('The kind of the integration.', optional),
  image: text('The URL of the logo.', optional),
  active: { type: 'boolean', ...optional },
  environment: text('test or live.', optional),
  tags: { type: 'array', items: { type: 'string' }, ...optional },
});

const Token = defineModel('AuthKitToken', {
  rows: {
    type: () => Integration,
    isArray: true,
    description:
      'The integrations that the user may connect, with all fields that the service sends.',
  },
  ...PAGE_COUNTS,
  requestId: {
    ...STRING_OR_INTEGER,
    nullable: true,
    description: 'The id of this request, for the widget.',
  },
  isWhiteLabel: {
    type: 'boolean',
    description: 'Whether the account may hide the branding in the widget.',
    ...optional,
  },
});

const GrantHeaders = defineModel('AuthKitGrantHeaders', {
  Authorization: text('Bearer and the grant.'),
});

const Grant = defineModel('AuthKitWidgetToken', {
  url: text('The URL of the token endpoint.', { format: 'uri' }),
  headers: {
    type: () => GrantHeaders,
    description: 'The headers that the widget sends there.',
  },
  expiresAt: text('When the grant expires.', { format: 'date-time' }),
});

const Connection = defineModel('AuthKitConnection', {
  id: text('The id of the connection.'),
  key: text('The Connection Key that calls through the service need.'),
  platform: text('The platform, e.g. gmail.'),
  platformVersion: text('The version of the platform.', optional),
  type: text('The kind of the platform, e.g. api.', optional),
  name: text('The label of the connection.', nullable),
  environment: text('test or live.', optional),
  identity: text('The id of the owner.', nullable),
  identityType: text('The kind of the owner.', {
    enum: IDENTITY_TYPES,
    ...nullable,
  }),
  description: text('A description.', nullable),
  image: text("The URL of the platform's logo.", optional),
  title: text("The platform's name.", optional),
  connector: text('The connector.', optional),
  state: text(
    'operational, degraded, failed (the user has to connect again) or unknown.',
    optional,
  ),
  tags: { type: 'array', items: { type: 'string' }, ...optional },
  version: text('The version of the connection.', optional),
  active: { type: 'boolean', ...optional },
  createdAt: text('When it was made, in ISO 8601.', optional),
});

const ConnectionPage = defineModel('AuthKitConnectionPage', {
  rows: { type: () => Connection, isArray: true },
  ...PAGE_COUNTS,
});

const UpdateConnection = defineModel('AuthKitUpdateConnection', {
  name: text("The label. '' clears it.", { maxLength: 256 }),
});

const ConfirmConnection = defineModel('AuthKitConfirmConnection', {
  key: text('The key that onSuccess gave to the page.'),
  replaces: text(
    'The id of the connection that the user has connected again.',
    optional,
  ),
});

const ErrorBody = defineModel('AuthKitError', {
  statusCode: count('The status of the response.'),
  message: text('What the widget shows.'),
  error: text('The name of the status.', optional),
  reason: text("Why the request failed. The app's own guards send none.", {
    enum: AUTHKIT_ERROR_REASONS,
    ...optional,
  }),
});

/** The errors and what they mean. */
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

const UPSTREAM_ERRORS = [502, 503, 504] as const;
const CALLER_ERRORS = [400, 401, 403] as const;

const ID_PARAMETER = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the connection.',
  schema: { type: 'string' },
};

const query = (name: string, description: string, schema: object) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema,
});

/** Describes the token route. */
export const TOKEN_ROUTE: RouteDescription = {
  summary: 'Creates an AuthKit token',
  description: 'The widget calls it: the integrations that a user may connect.',
  success: [200, 'The token, as the widget expects it.', Token],
  errors: UPSTREAM_ERRORS,
};

/** Describes the grant route. */
export const GRANT_ROUTE: RouteDescription = {
  summary: 'Issues a grant for the widget',
  description:
    'Pages of the app call it. What it returns is the token option of the widget packages.',
  success: [200, 'The grant, valid for minutes.', Grant],
  // The identity function has the timeout of a token.
  errors: [504],
};

/** Describe the routes for connections. */
export const CONNECTION_ROUTES = {
  list: {
    summary: "Lists the caller's connections",
    parameters: [
      query('platform', 'The platform, e.g. gmail.', { type: 'string' }),
      query('key', 'The Connection Key.', { type: 'string' }),
      query('page', 'The number of the page.', {
        type: 'integer',
        minimum: 1,
        default: 1,
      }),
      query('limit', 'The number of connections on a page.', {
        type: 'integer',
        minimum: 1,
        maximum: MAX_PAGE_SIZE,
        default: 20,
      }),
    ],
    success: [200, 'A page of connections.', ConnectionPage],
    errors: UPSTREAM_ERRORS,
  },
  get: {
    summary: "Returns one of the caller's connections",
    parameters: [ID_PARAMETER],
    success: [200, 'The connection.', Connection],
    errors: [404, ...UPSTREAM_ERRORS],
  },
  update: {
    summary: "Renames one of the caller's connections",
    parameters: [ID_PARAMETER],
    body: UpdateConnection,
    success: [200, 'The connection as it is afterwards.', Connection],
    errors: [404, 415, ...UPSTREAM_ERRORS],
  },
  delete: {
    summary: "Deletes one of the caller's connections for good",
    parameters: [ID_PARAMETER],
    success: [204, 'The connection is deleted.'],
    errors: [404, ...UPSTREAM_ERRORS],
  },
  confirm: {
    summary: 'Confirms the connection that onSuccess gave to the page',
    body: ConfirmConnection,
    success: [200, 'The connection.', Connection],
    errors: [404, 415, ...UPSTREAM_ERRORS],
  },
} as const satisfies Record<string, RouteDescription>;

/** Describes a route in the app's OpenAPI document. Decorators of `@nestjs/swagger` that are applied later take precedence. */
export function DescribeRoute({
  summary,
  description,
  parameters = [],
  body,
  success: [status, meaning, type],
  errors = [],
}: RouteDescription): MethodDecorator {
  const responses: Record<number, object> = {
    [status]: { description: meaning, type },
  };
  for (const error of [...CALLER_ERRORS, ...errors]) {
    responses[error] = { description: ERRORS[error], type: ErrorBody };
  }
  const metadata = {
    [KEYS.operation]: { summary, ...(description && { description }) },
    [KEYS.response]: responses,
    [KEYS.parameters]: [
      ...parameters,
      ...(body ? [{ in: 'body', required: true, type: body }] : []),
    ],
  };
  return (_target, _name, descriptor) => {
    for (const [key, value] of Object.entries(metadata)) {
      Reflect.defineMetadata(key, value, descriptor.value as object);
    }
  };
}

/** Leaves a route out of the app's OpenAPI document. */
export const HideRoute = (): MethodDecorator => (_target, _name, descriptor) =>
  Reflect.defineMetadata(
    KEYS.excluded,
    { disable: true },
    descriptor.value as object,
  );

/** Tags a controller, unless the app's own decorators have. */
export function tagController(target: Type): void {
  if (Reflect.hasMetadata(KEYS.tags, target)) return;
  Reflect.defineMetadata(KEYS.tags, [TAG], target);
}
