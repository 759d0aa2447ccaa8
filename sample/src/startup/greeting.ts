import type { Platform } from './settings.js';

/** Says what there is, and gives a command to try it. */
export function greet(url: string, platform: Platform): void {
  console.log(`
The sample runs on ${platform}. Its page, with the widget:

  ${url}

Its routes:

  POST ${url}/auth/sign-in              { "name": "ada" } or { "name": "grace" }: sets the session cookie
  POST ${url}/authkit-token/grant       with the cookie: a grant, for the widget
  POST ${url}/authkit-token             with the grant: the token
  POST ${url}/integrations/team-token   with the cookie: a token for the user's team
  GET  ${url}/connections               with the cookie: what the user has connected

Sign in and get a token without the page (paste it into another terminal):

${signInAndGetToken(url)}
`);
}

/**
 * One line for any POSIX shell; Node reads the JSON, so that nothing else has
 * to be installed. The cookie jar and the grant go from one command to the
 * next, and are in no file.
 */
function signInAndGetToken(url: string): string {
  const json = `-H 'Content-Type: application/json'`;
  return [
    `curl -sS -o /dev/null -c - ${url}/auth/sign-in ${json} -d '{"name":"ada"}'`,
    `curl -sS -b - -X POST ${url}/authkit-token/grant`,
    `node -p '"Authorization: " + JSON.parse(fs.readFileSync(0)).headers.Authorization'`,
    `curl -sS -H @- -X POST ${url}/authkit-token`,
  ].join(' | ');
}
