import type { PicaEmulator } from '../pica-emulator.js';

/** What runs, and what to write into the settings of the app and of its page. */
export function greeting({ vendor, url, secretKey }: PicaEmulator): string {
  const [name, variable, opener, browserPackage] =
    vendor === 'one'
      ? ['One', 'ONE_SECRET_KEY', 'useOneAuth', '@withone/auth']
      : ['Pica', 'PICA_SECRET_KEY', 'useAuthKit', '@picahq/authkit'];
  return `The emulator of ${name}'s API and widget runs at ${url}

The backend's environment:

  ${variable}=${secretKey}
  AUTHKIT_BASE_URL=${url}
  AUTHKIT_ALLOWED_ORIGINS=${url}

The page, with ${browserPackage}:

  ${opener}({ baseUrl: '${url}', token: { … } }).open()

Ctrl+C ends it, and forgets the connections made.
`;
}
