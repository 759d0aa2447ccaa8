import type { INestApplication } from '@nestjs/common';
import { fail } from './fail.js';

/** Listens on 127.0.0.1 only. */
export async function listen(
  app: INestApplication,
  port: number,
): Promise<void> {
  try {
    await app.listen(port, '127.0.0.1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    fail(
      `Port ${port} is taken. Stop the program that uses it, or set another PORT (0 for any free one): PORT=0 npm start`,
      1,
    );
  }
}
