import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';

/** Calls a listener of the options. What it throws is logged, by its type alone, and changes nothing. */
export async function callListener(
  option: string,
  call: () => void | Promise<void>,
): Promise<void> {
  try {
    await call();
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    new Logger(AUTHKIT_LOG_CONTEXT).error(
      `The ${option} function threw a value of the type ${name}. The request goes on.`,
    );
  }
}
