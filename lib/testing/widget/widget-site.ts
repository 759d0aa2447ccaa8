import type { Account } from '../account.js';
import type { Answer } from '../answer.js';
import type { EmulatorRequest } from '../emulator-request.js';
import { connect } from './connect.js';
import { page } from './page.js';
import { SCRIPTS } from './scripts/index.js';
import { STYLES } from './styles.js';

const FOLDER = '/widget/';

/** Whether a request is for the widget's own site, which the real service has on another host than its API. */
export function isOfWidget({ method, path }: EmulatorRequest): boolean {
  return (path === '/' && method === 'GET') || path.startsWith(FOLDER);
}

/** What the widget's site answers. */
export function answerOfWidget(
  account: Account,
  request: EmulatorRequest,
): Answer {
  const { method, path } = request;
  if (path === `${FOLDER}connections` && method === 'POST') {
    return secured(connect(account, request));
  }
  const file = method === 'GET' ? fileAt(account, path) : undefined;
  return secured(file ?? { status: 404, body: { message: 'Not found' } });
}

function fileAt(account: Account, path: string): Answer | undefined {
  if (path === '/') return text('html', page(account.vendor));
  const name = path.slice(FOLDER.length);
  if (name === 'widget.css') return text('css', STYLES);
  const script = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : undefined;
  return script === undefined ? undefined : text('javascript', script);
}

function text(type: string, body: string): Answer {
  const headers = { 'content-type': `text/${type}; charset=utf-8` };
  return { status: 200, headers, body };
}

/**
 * The page may be put into a frame by anybody and ask any token endpoint, as
 * the real one; it loads nothing from elsewhere, and its address, which holds
 * the relayed headers, is told to nobody.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  'connect-src http: https:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function secured(answer: Answer): Answer {
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  };
}
