import { PicaEmulator } from 'nestjs-pica-authkit/testing';

/**
 * Where no secret key is set, starts an emulator of Pica's API and widget and
 * points the environment at it, as if you had set it yourself: the app does not know.
 */
export async function startEmulatorWithoutKey(): Promise<
  PicaEmulator | undefined
> {
  const { env } = process;
  if (env.PICA_SECRET_KEY || env.ONE_SECRET_KEY) return undefined;

  const emulator = await PicaEmulator.start({
    vendor: env.AUTHKIT_VENDOR === 'one' ? 'one' : 'pica',
  });
  env.PICA_SECRET_KEY = emulator.secretKey;
  env.AUTHKIT_BASE_URL = emulator.url;
  // The widget is a page of the emulator then, and calls the app from there. By
  // the name localhost: to browsers that is another site than 127.0.0.1, as the
  // vendor's is, so that no cookie of the app reaches it.
  env.WIDGET_URL = `http://localhost:${emulator.port}`;
  env.AUTHKIT_ALLOWED_ORIGINS = [env.AUTHKIT_ALLOWED_ORIGINS, env.WIDGET_URL]
    .filter(Boolean)
    .join(',');
  console.log(
    `PICA_SECRET_KEY is not set: using an emulator of Pica's API at ${emulator.url}`,
  );
  return emulator;
}
