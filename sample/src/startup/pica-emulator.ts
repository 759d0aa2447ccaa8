import { PicaEmulator } from 'nestjs-pica-authkit/testing';

/**
 * Starts an emulator of Pica's API and widget if no secret key is set.
 *
 * It sets the environment variables that point the app at the emulator. The app
 * itself does not depend on the emulator.
 *
 * @returns the emulator, or `undefined` if a secret key is set
 */
export async function startEmulatorIfNeeded(): Promise<
  PicaEmulator | undefined
> {
  const { env } = process;
  if (env.PICA_SECRET_KEY || env.ONE_SECRET_KEY) return undefined;

  const emulator = await PicaEmulator.start({
    vendor: env.AUTHKIT_VENDOR === 'one' ? 'one' : 'pica',
  });
  env.PICA_SECRET_KEY = emulator.secretKey;
  env.AUTHKIT_BASE_URL = emulator.url;
  // The emulator serves the widget, which calls the app from the emulator's
  // origin. To browsers, localhost and 127.0.0.1 are different sites, like the
  // vendor's site and yours, so the app's cookies are not sent with these calls.
  env.WIDGET_URL = `http://localhost:${emulator.port}`;
  env.AUTHKIT_ALLOWED_ORIGINS = [env.AUTHKIT_ALLOWED_ORIGINS, env.WIDGET_URL]
    .filter(Boolean)
    .join(',');
  console.log(
    `PICA_SECRET_KEY is not set: using an emulator of Pica's API at ${emulator.url}`,
  );
  return emulator;
}
