import type { AuthKitCallInit, AuthKitException } from '../../lib/index.js';
import { useEmulator } from '../support/emulator.js';
import {
  ADA,
  createPassthrough,
  GMAIL,
  LABELS,
} from '../support/passthrough.js';

const pica = useEmulator();

const PATHS = [
  '',
  '/',
  '//',
  '//evil.example',
  '///evil.example/x',
  'https://evil.example/x',
  'http://127.0.0.1/x',
  'HTTPS://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'javascript:alert(1)',
  'file:///etc/passwd',
  'data:text/plain,x',
  '\\evil.example',
  '/\\evil.example',
  'a\\b',
  'a/../b',
  '../users/flags',
  '..',
  '.',
  'a/./b',
  './a',
  'a/%2e%2e/b',
  'a/%2E%2e/b',
  '%2e%2e/vault/connections',
  'a/.%2e/b',
  'a/%2e./b',
  'a/%252e%252e/b',
  'a/%2e%2e%2fb',
  'a%2f..%2fb',
  'a/..%5cb',
  'a%5cb',
  'a/b?x=1',
  'a?',
  'a#b',
  '#',
  'a//b',
  'a/b//',
  'a\nb',
  'a\r\nX-Evil: 1',
  'a\0b',
  'a%00b',
  'a%0d%0aX-Evil:1',
  'a%',
  'a%zz',
  'a%e0%a4%a',
  'a%c0%ae',
  'a/\u0007',
  'a\ud800',
  'users/{{userId}}/labels',
  'a/{{}}/b',
];

const HEADERS: [string, string][] = [
  ['x-pica-secret', 'sk_live_evil'],
  ['X-PICA-Connection-Key', 'live::gmail::default::eve'],
  ['x-pica-action-id', 'x'],
  ['x-one-secret', 'x'],
  ['X-One-Organization-Id', 'x'],
  ['x-one-project-id', 'x'],
  ['x-pica-anything', 'x'],
  ['host', 'evil.example'],
  ['connection', 'x-pica-secret'],
  ['keep-alive', '1'],
  ['te', 'trailers'],
  ['trailer', 'x'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'websocket'],
  ['proxy-authorization', 'x'],
  ['proxy-connection', 'x'],
  ['expect', '100-continue'],
  ['content-length', '0'],
  ['authorization', 'Bearer stolen'],
  ['cookie', 'session=1'],
];

const INITS: [string, unknown][] = [
  ['a string', 'x'],
  ['a method with a space', { method: 'GET /x' }],
  ['a method with a line break', { method: 'GET\r\nX: 1' }],
  ['a method that is a number', { method: 1 }],
  ['a negative timeout', { timeout: -1 }],
  ['a timeout of text', { timeout: 'soon' }],
  ['a timeout beyond that of timers', { timeout: 2 ** 31 }],
  ['negative retries', { retries: -1 }],
  ['a query of objects', { query: { a: { b: 1 } } }],
  ['a query of text', { query: 'a=b' }],
  ['headers with a line break', { headers: { 'x-a': 'b\r\nc: d' } }],
  ['a body beside json', { method: 'POST', body: 'x', json: {} }],
  ['a body of a GET', { body: 'x' }],
  ['json of a HEAD', { method: 'HEAD', json: {} }],
  ['a body that is an object', { method: 'POST', body: { a: 1 } }],
  ['an action that is a number', { action: 1 }],
  ['an action without an id', { action: { path: '/x' } }],
  ['an empty action', { action: '' }],
  ['allowHeaders beyond credentials', { allowHeaders: ['x-pica-secret'] }],
  ['a param that is not in the path', { pathParams: { id: '1' } }],
];

const PARAMS = ['', '.', '..', null, undefined, {}, []];

describe('a call with hostile input', () => {
  const refuse = async (path: string, init?: AuthKitCallInit) => {
    const { key } = pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const failure: AuthKitException = await service
      .fetch(ADA, GMAIL, path, init)
      .then(
        () => undefined,
        (error) => error,
      );
    expect(failure?.reason).toBe('invalid_argument');
    expect(failure.message).not.toContain(key);
    expect(failure.message).not.toContain(pica.secretKey);
    const calls = pica.requests.filter(({ path }) =>
      path.includes('passthrough'),
    );
    return calls.length;
  };

  it.each(PATHS)('refuses the path %j', async (path) => {
    expect(await refuse(path)).toBe(0);
  });

  it.each(PARAMS)('refuses %j for a placeholder', async (id) => {
    const path = 'gmail/v1/users/me/messages/{{id}}';
    const pathParams = { id: id as string };
    expect(await refuse(path, { pathParams })).toBe(0);
  });

  it.each(HEADERS)('refuses the header %s', async (name, value) => {
    expect(await refuse(LABELS, { headers: { [name]: value } })).toBe(0);
  });

  it.each(INITS)('refuses %s', async (_, init) => {
    expect(await refuse(LABELS, init as AuthKitCallInit)).toBe(0);
  });

  it('sends authorization and cookie if allowHeaders names them', async () => {
    pica.connect('ada', 'gmail');
    pica.platform('gmail', 'GET', '/x', ({ headers }) => ({
      body: [headers.authorization, headers.cookie],
    }));
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', {
      headers: { authorization: 'Bearer b', cookie: 'c=1' },
      allowHeaders: ['Authorization', 'cookie'],
    });
    expect(await response.json()).toEqual(['Bearer b', 'c=1']);
  });

  it.each([
    ['group%2Fproject', '/projects/group%2Fproject'],
    ['a b', '/projects/a%20b'],
    ['ü', '/projects/%C3%BC'],
    ['a:b', '/projects/a:b'],
    ['...', '/projects/...'],
  ])('sends the segment %j', async (segment, received) => {
    pica.connect('ada', 'gmail');
    pica.platform('gmail', 'GET', '/projects/{{id}}', ({ path }) => ({
      body: path,
    }));
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, `projects/${segment}`);
    expect(await response.text()).toBe(received);
  });

  it('encodes path params', async () => {
    pica.connect('ada', 'gmail');
    pica.platform('gmail', 'GET', '/projects/{{id}}', ({ path }) => ({
      body: path,
    }));
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, '/projects/{{id}}', {
      pathParams: { id: 'a/b?c#d' },
    });
    expect(await response.text()).toBe('/projects/a%2Fb%3Fc%23d');
  });
});
