import { createControllers } from '../../lib/endpoint/create-controllers.js';
import { findRoute } from '../../lib/endpoint/route-middleware.js';
import { tokenUrl } from '../../lib/endpoint/grant.controller.js';
import { extractBearerToken } from '../../lib/grant/grant.guard.js';
import { resolveControllerOptions } from '../../lib/options/controller.options.js';
import { trimTrailingSlashes } from '../../lib/options/trim-slashes.js';

/** Of such a size that quadratic time would be hours, and linear time is milliseconds. */
const MEGABYTE = 1_000_000;

/** The URL that a grant request leads to. */
const urlOf = (originalUrl: string) =>
  tokenUrl({
    headers: {},
    protocol: 'https',
    host: 'app.example',
    url: originalUrl,
    originalUrl,
  });

describe('1 MB of text is read in linear time', () => {
  it('by the URL of the token endpoint', () => {
    const slashes = '/'.repeat(MEGABYTE);
    expect(urlOf(`/api${slashes}grant${slashes}`)).toBe(
      'https://app.example/api',
    );
    expect(urlOf(`/api${slashes}x`)).toBe(`https://app.example/api${slashes}x`);
    const grants = '/grant'.repeat(MEGABYTE / 6);
    expect(urlOf(`${grants}/x`)).toHaveLength(grants.length + 21);
  });

  it.each([
    ['/:tenant-:team/authkit-token', 'a-'],
    ['/:a:b:c:d/authkit-token', 'a'],
    ['/*a-*b-*c/authkit-token', '-/'],
    ['/:a/*b/:c/authkit-token', 'a/'],
  ])('by the search for the route %s', (route, repeated) => {
    const path = `/${repeated.repeat(MEGABYTE / repeated.length)}`;
    const routes = [{ paths: ['/authkit-token'] }, { paths: [route] }];
    expect(findRoute(routes, `${path}?${path}`)).not.toBe(routes[0]);
    expect(findRoute(routes, '/'.repeat(MEGABYTE))).not.toBe(routes[0]);
    expect(findRoute(routes, '%'.repeat(MEGABYTE))).not.toBe(routes[0]);
  });

  it('by the Authorization header of a grant', () => {
    for (const space of [' '.repeat(MEGABYTE), ` ${'x'.repeat(MEGABYTE)} `]) {
      const headers = { authorization: `Bearer${space}` };
      expect(extractBearerToken({ headers })).toBeUndefined();
    }
  });

  it('in the options', () => {
    const path = `a${'/'.repeat(MEGABYTE)}b`;
    const { options } = resolveControllerOptions({ path, grants: true });
    expect(Object.keys(createControllers(options!))).toContain('grant');
    const baseUrl = `https://pica.example/${path}`;
    expect(trimTrailingSlashes(baseUrl)).toBe(baseUrl);
  });
});

describe('the URL of the token endpoint', () => {
  it.each([
    ['/authkit-token/grant', '/authkit-token'],
    ['/authkit-token/GRANT//', '/authkit-token'],
    ['/authkit-token//grant?next=/grant', '/authkit-token'],
    ['http://other.example/authkit-token/grant', '/authkit-token'],
    ['/grant/grant', '/grant'],
    ['/grant', ''],
    ['/my-grant/', '/my-grant/'],
    ['/grants', '/grants'],
  ])('is, for a grant requested from %s, that of %s', (requested, path) => {
    expect(urlOf(requested)).toBe(`https://app.example${path}`);
  });
});

describe('the route of a URL', () => {
  const routes = [
    ['/authkit-token'],
    ['/authkit-token/grant'],
    ['/:tenant/authkit-token', '/files/*path'],
    ['/authkit-connections', '/authkit-connections/:id'],
    ['/authkit-connections/mine'],
  ].map((paths) => ({ paths }));

  it.each([
    ['/authkit-token', 0],
    ['/authkit-token?page=1/grant', 0],
    ['/authkit-token#fragment', 0],
    ['/authkit-token;v=1?page=1', 0],
    ['http://other.example/authkit-token', 0],
    ['/AUTHKIT-token//', 0],
    ['//%61uthkit%2Dtoken', 0],
    ['/authkit-token/grant', 1],
    ['/acme/authkit-token', 2],
    ['/files/a/b/c', 2],
    ['/authkit-connections/', 3],
    ['/authkit-connections/some-id', 3],
    ['/authkit-connections/mine', 4],
  ])('%s is the most specific one that it matches', (url, index) => {
    expect(findRoute(routes, url)).toBe(routes[index]);
    expect(findRoute([...routes].reverse(), url)).toBe(routes[index]);
  });

  it.each([
    '/',
    '',
    '/authkit-tokens',
    '/authkit-token/other',
    '/my/own/authkit-token',
    '/authkit-connections/some-id/calls',
    '/authkit-token%',
    '/authkit-token%2F',
    '/authkit%252Dtoken',
  ])('%s is none, so that the routes of the app keep their headers', (url) => {
    expect(findRoute(routes, url)).toBeUndefined();
  });
});
