import type { AuthKitAction } from '../../lib/index.js';
import { findAction } from '../../lib/passthrough/find-action.js';

const action = (route: string): AuthKitAction => {
  const [method, path] = route.split(' ') as [string, string];
  return {
    systemId: `conn_mod_def::${route}`,
    title: route,
    method,
    path,
    tags: [],
  };
};

const ACTIONS = [
  'GET /users/{{id}}',
  'GET /users/me',
  'GET users/{{id}}/labels',
  'GET /users/me/labels',
  'GET /{{a}}/me/labels',
  'GET /files/v{{version}}',
  'GET /files/{{id}}.json',
  'GET /files/{{id}}',
  'POST /users/{{id}}',
].map(action);

it.each([
  ['GET', 'users/7', 'GET /users/{{id}}'],
  ['GET', '/users/me', 'GET /users/me'],
  ['GET', 'users/me/labels', 'GET /users/me/labels'],
  ['GET', 'users/7/labels', 'GET users/{{id}}/labels'],
  ['GET', 'teams/me/labels', 'GET /{{a}}/me/labels'],
  ['GET', 'files/v2', 'GET /files/v{{version}}'],
  ['GET', 'files/a.json', 'GET /files/{{id}}.json'],
  ['GET', 'files/v', 'GET /files/{{id}}'],
  ['GET', 'files/%61', 'GET /files/{{id}}'],
  ['POST', 'users/me', 'POST /users/{{id}}'],
])('the action of %s %s is %s', (method, path, title) => {
  expect(findAction(ACTIONS, method, path).title).toBe(title);
});

it.each([
  ['DELETE', 'users/7'],
  ['GET', 'users'],
  ['GET', 'users/7/labels/1'],
  ['GET', 'users/'],
])('%s %s has none, and the error names the nearest three', (method, path) => {
  const find = () => findAction(ACTIONS, method, path);
  expect(find).toThrow(
    /^No action matches .*: pass action\. The nearest: ([^;]*;){2}[^;]*$/,
  );
});

it('several that match equally well are refused, and named', () => {
  const equal = [action('GET /a/{{b}}'), action('GET /a/{{c}}')];
  expect(() => findAction(equal, 'GET', 'a/1')).toThrow(
    /^Several actions match.*\{\{b\}\}.*\{\{c\}\}/,
  );
});

it('a platform without actions says so', () => {
  expect(() => findAction([], 'GET', 'a')).toThrow(
    'The platform has no actions.',
  );
});
