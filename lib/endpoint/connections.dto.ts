import {
  getMetadataStorage,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  validateSync,
} from 'class-validator';
import { AuthKitException } from '../authkit.exception.js';

/** The query of `GET <path>`. Other parameters are ignored: `identity` above all. A key or platform that none can have finds nothing. */
export class ListConnectionsQuery {
  /** The platform, e.g. `gmail`. */
  @IsOptional()
  @IsString({ message: 'platform must be sent once' })
  platform?: string;

  /** The Connection Key. */
  @IsOptional()
  @IsString({ message: 'key must be sent once' })
  key?: string;

  /** The page, from 1. Default: 1 */
  @IsOptional()
  @Matches(/^0*[1-9]\d{0,8}$/, { message: 'page must be a number from 1 on' })
  page?: string;

  /** The number of connections on a page, 1 to 150. Default: 20 */
  @IsOptional()
  @Matches(/^0*(?:[1-9]\d?|1[0-4]\d|150)$/, {
    message: 'limit must be a number from 1 to 150',
  })
  limit?: string;
}

/** The body of `PATCH <path>/:id`. Tags are the app's business. */
export class UpdateConnectionBody {
  /** The label. `''` clears it. */
  @IsString({ message: 'name must be a string' })
  @MaxLength(256, { message: 'name must have at most 256 characters' })
  name!: string;
}

/** The body of `POST <path>`. A key or id that no connection can have finds none. */
export class ConfirmConnectionBody {
  /** The key that `onSuccess` gave to the page. */
  @IsString({ message: 'key must be a string' })
  key!: string;

  /** The id of the connection that the user has connected again. */
  @IsOptional()
  @IsString({ message: 'replaces must be a string' })
  replaces?: string;
}

/**
 * Validates a query. Unknown parameters are ignored.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
export function parseQuery<T extends object>(
  Dto: new () => T,
  query: unknown,
): T {
  return validate(Dto, query ?? {});
}

/**
 * Validates a body. Unknown fields are refused.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
export function parseBody<T extends object>(
  Dto: new () => T,
  body: unknown,
): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('The body must be a JSON object');
  }
  const fields = fieldsOf(Dto);
  const unknown = Object.keys(body).find((name) => !fields.has(name));
  if (unknown !== undefined) {
    throw invalid(`${unknown.slice(0, 100)} is not a field of this request`);
  }
  return validate(Dto, body);
}

function validate<T extends object>(Dto: new () => T, given: object): T {
  const dto = new Dto();
  for (const name of fieldsOf(Dto)) {
    if (!Object.hasOwn(given, name)) continue;
    const value: unknown = Reflect.get(given, name);
    Object.assign(dto, { [name]: value });
  }
  const errors = validateSync(dto);
  if (errors.length === 0) return dto;
  const reasons = errors.map(
    ({ constraints = {} }) =>
      constraints.isString ?? Object.values(constraints)[0],
  );
  throw invalid(reasons.join('; '));
}

/** The fields that a DTO declares. (class-validator's `whitelist` lets `constructor` pass.) */
function fieldsOf(Dto: new () => object): Set<string> {
  const decorators = getMetadataStorage().getTargetValidationMetadatas(
    Dto,
    '',
    false,
    false,
  );
  return new Set(decorators.map(({ propertyName }) => propertyName));
}

function invalid(message: string): AuthKitException {
  return new AuthKitException('invalid_argument', { message: `${message}.` });
}
