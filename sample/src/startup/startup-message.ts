import type { Platform } from './settings.js';

/** Prints the URL of the page, the routes and a command that gets a token. */
export function printStartupMessage(url: string, platform: Platform): void {
  console.log(`
The sample runs on ${platform}. Its page, with the widget:

  ${url}

Its routes:

  POST ${url}/auth/sign-in              { "name": "ada" } or { "name": "grace" }: sets the session cookie
  POST ${url}/authkit-token/grant       with the cookie: returns a grant for the widget
  POST ${url}/authkit-token             with the grant: returns the token
  GET  ${url}/authkit-connections       with the cookie: lists the user's connections
  POST ${url}/authkit-connections       { "key": "…" }: confirms a connection; PATCH and DELETE …/:id change one
  GET  ${url}/integrations              with the cookie: lists what the user's company is offered
  POST ${url}/integrations/team-token   with the cookie: returns a token for the user's team

Sign in and get a token without the page (paste it into another terminal):

${tokenCommand(url)}
`);
}

/**
 * A one-line command for any POSIX shell that signs in and gets a token. Node
 * parses the JSON, so no other tool is required. The cookie and the grant are
 * piped from one command to the next and not written to a file.
 */
function tokenCommand(url: string): string {
  const json = `-H 'Content-Type: application/json'`;
  return [
    `curl -sS -o /dev/null -c - ${url}/auth/sign-in ${json} -d '{"name":"ada"}'`,
    `curl -sS -b - -X POST ${url}/authkit-token/grant`,
    `node -p '"Authorization: " + JSON.parse(fs.readFileSync(0)).headers.Authorization'`,
    `curl -sS -H @- -X POST ${url}/authkit-token`,
  ].join(' | ');
}
