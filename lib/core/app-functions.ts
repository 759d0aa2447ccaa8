import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { AuthKitException, invalidArgument } from '../authkit.exception.js';
import type { AuthKitConnectionLabel } from '../authkit.types.js';
import { formatThrown } from '../format-value.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  areConnectionTags,
  isConnectionLabel,
  isConnectionName,
} from '../options/connection-label.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * Calls a function of the options.
 *
 * @throws {AuthKitException} that of the function; `unavailable` if it throws another error, which may quote a secret
 */
export async function callAppFunction<T>(
  option: string,
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof AuthKitException) throw error;
    const cause = new Error(
      `the ${option} function threw ${formatThrown(error)}`,
    );
    throw new AuthKitException('unavailable', { cause });
  }
}

/** Calls a listener of the options. What it throws is logged, by its type alone, and changes nothing. */
export async function callListener(
  option: string,
  call: () => void | Promise<void>,
): Promise<void> {
  try {
    await call();
  } catch (error) {
    new Logger(AUTHKIT_LOG_CONTEXT).error(
      `The ${option} function threw ${formatThrown(error)}. The request goes on.`,
    );
  }
}

/**
 * Resolves name and tags of the connections that come of a token: those of the
 * call take precedence over the option `connection`.
 *
 * @throws {AuthKitException} `invalid_argument`; `unavailable` if the function of the option fails
 */
export async function resolveLabel(
  { name, tags }: AuthKitConnectionLabel,
  option: ResolvedOptions['connection'],
  identity: AuthKitIdentity | undefined,
  request?: object,
): Promise<AuthKitConnectionLabel> {
  if (name !== undefined || tags !== undefined) assertLabel({ name, tags });
  const label =
    typeof option === 'function'
      ? await callAppFunction('connection', () => option(identity, { request }))
      : option;
  if (label && !isConnectionLabel(label)) {
    const cause = new Error(
      'the connection function returned what is not { name?, tags? }',
    );
    throw new AuthKitException('unavailable', { cause });
  }
  return { name: name ?? label?.name, tags: tags ?? label?.tags };
}

/** @throws {AuthKitException} `invalid_argument` */
export function assertLabel({
  name,
  tags,
}: {
  name?: unknown;
  tags?: unknown;
}): void {
  if (name !== undefined && !isConnectionName(name)) {
    throw invalidArgument('name', 'a string of 0 to 256 characters', name);
  }
  if (tags !== undefined) assertTags(tags);
}

/** @throws {AuthKitException} `invalid_argument` */
export function assertTags(tags: unknown): void {
  if (areConnectionTags(tags)) return;
  const expected = 'a list of up to 32 strings of 1 to 128 characters';
  throw invalidArgument('tags', expected, tags);
}
