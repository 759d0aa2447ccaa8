import {
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  validateSync,
} from 'class-validator';
import { AuthKitException } from '../authkit.exception.js';

/** The query of `GET <path>`. Other parameters are ignored: `identity` above all. */
export class ListConnectionsQuery {
  /** The platform, e.g. `gmail`. */
  @IsOptional()
  @IsString({ message: 'platform must be sent once' })
  @Length(1, 256, { message: 'platform must have 1 to 256 characters' })
  platform?: string;

  /** The Connection Key. */
  @IsOptional()
  @IsString({ message: 'key must be sent once' })
  @Length(1, 1_024, { message: 'key must have 1 to 1024 characters' })
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

/** The body of `POST <path>`. */
export class ConfirmConnectionBody {
  /** The key that `onSuccess` gave to the page. */
  @IsString({ message: 'key must be a string' })
  @Length(1, 1_024, { message: 'key must have 1 to 1024 characters' })
  key!: string;

  /** The id of the connection that the user has connected again. */
  @IsOptional()
  @IsString({ message: 'replaces must be a string' })
  @Length(1, 128, { message: 'replaces must have 1 to 128 characters' })
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
  return validate(Dto, query ?? {}, { whitelist: true });
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
  return validate(Dto, body, { whitelist: true, forbidNonWhitelisted: true });
}

function validate<T extends object>(
  Dto: new () => T,
  given: object,
  settings: { whitelist: true; forbidNonWhitelisted?: boolean },
): T {
  const dto = new Dto();
  // Defined, not assigned: a field `__proto__` stays a field.
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(dto, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  const errors = validateSync(dto, settings);
  if (errors.length === 0) return dto;
  const reasons = errors.map(({ property, constraints = {} }) =>
    constraints.whitelistValidation
      ? `${property.slice(0, 100)} is not a field of this request`
      : Object.values(constraints)[0],
  );
  throw invalid(reasons.join('; '));
}

function invalid(message: string): AuthKitException {
  return new AuthKitException('invalid_argument', { message: `${message}.` });
}
