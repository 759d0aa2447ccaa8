import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTest } from '../../support/cleanup.js';

/** The path of the page. */
export const ONE_13_PATH = '/one-1.3?tab=crm';

/**
 * Serves the page in front of an app until the current test ends. (A response
 * that the browser's driver makes up counts as a public page, which may not frame 127.0.0.1.)
 *
 * @returns the URL of the app with the page
 */
export async function serveOne13Page(
  appUrl: string,
  widgetUrl: string,
): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    if (url.startsWith('/one-1.3')) {
      outgoing.setHeader('content-type', 'text/html');
      outgoing.end(one13Page(widgetUrl));
      return;
    }
    const onward = request(appUrl + url, { method, headers, agent: false });
    onward.once('error', () => outgoing.destroy());
    onward.once('response', (response) => {
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * A page that does what `@withone/auth` does from 1.3 on, written from what is
 * known of it: the state waits in `sessionStorage` while the user is at the
 * platform, and the page comes back with a clean address.
 *
 * @param widgetUrl the origin of the widget
 */
const one13Page = (widgetUrl: string): string => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>One 1.3</title><link rel="icon" href="data:," /></head>
  <body>
    <main>
      <button type="button">Connect</button>
      <ol id="events"></ol>
    </main>
    <script type="module">
      const PENDING = '__withone_auth_pending';
      const TEN_MINUTES = 600_000;
      const WIDGET = ${JSON.stringify(widgetUrl)};

      function useOneAuth({ token, onSuccess, onError, onClose }) {
        let frame;
        const close = () => { frame?.remove(); frame = undefined; };
        const open = (checkState) => {
          const settings = {
            linkTokenEndpoint: token.url,
            linkHeaders: token.headers,
            companyName: 'Sample Inc.',
            capabilities: { oauthRedirect: true },
            checkState,
          };
          frame = document.createElement('iframe');
          frame.id = 'event-link';
          frame.src = WIDGET + '/?data=' + encodeURIComponent(btoa(JSON.stringify(settings)));
          frame.onload = () => frame?.contentWindow.postMessage(settings, WIDGET);
          Object.assign(frame.style, { position: 'fixed', inset: 0, width: '100%', height: '100%', border: 0 });
          document.body.append(frame);
        };
        addEventListener('message', ({ source, origin, data }) => {
          if (!frame || source !== frame.contentWindow || origin !== WIDGET) return;
          if (data.messageType === 'LINK_SUCCESS') onSuccess(data.message);
          if (data.messageType === 'LINK_ERROR') onError(data.message);
          if (data.messageType === 'EXIT_EVENT_LINK') { close(); onClose(); }
          if (data.messageType === 'OAUTH_REDIRECT') leave(data);
        });
        addEventListener('pageshow', ({ persisted }) => {
          if (persisted && takePending()) { close(); onClose(); }
        });

        const pending = takePending();
        const [{ type }] = performance.getEntriesByType('navigation');
        if (pending && type === 'back_forward') onClose();
        else if (pending && type !== 'reload') open(pending);
        return { open: () => open(), close };
      }

      function leave({ url, state }) {
        try {
          sessionStorage.setItem(PENDING, JSON.stringify({ state, at: Date.now() }));
        } catch {
          // The page comes back, and nothing opens.
        }
        const page = btoa(location.href).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        const target = new URL(url);
        target.searchParams.set('state', [state, page, 'v3'].join('~'));
        location.assign(target);
      }

      function takePending() {
        try {
          const { state, at } = JSON.parse(sessionStorage.getItem(PENDING)) ?? {};
          sessionStorage.removeItem(PENDING);
          return Date.now() - at < TEN_MINUTES ? state : undefined;
        } catch {
          return undefined;
        }
      }

      // The app's own part: as the page loads, for a signed-in user.
      const record = (text) => {
        const item = document.createElement('li');
        item.textContent = text;
        document.querySelector('#events').append(item);
      };
      const granted = await fetch('/authkit-token/grant', { method: 'POST' });
      const widget = useOneAuth({
        token: await granted.json(),
        async onSuccess({ key }) {
          const confirmed = await fetch('/authkit-connections', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ key }),
          });
          record(confirmed.ok ? 'confirmed' : 'refused');
        },
        onError: (message) => record('error: ' + message),
        onClose: () => record('closed'),
      });
      document.querySelector('button').onclick = () => widget.open();
      record('ready');
    </script>
  </body>
</html>
`;
