import type { HttpServer } from '@nestjs/common';
import * as fc from 'fast-check';
import { createControllers } from '../../lib/endpoint/create-controllers.js';
import { createPathMatcher } from '../../lib/endpoint/route-paths.js';
import { tokenUrl } from '../../lib/endpoint/token-url.js';
import { extractBearerToken } from '../../lib/grant/grant.guard.js';
import { resolveControllerOptions } from '../../lib/options/controller.options.js';
import { Transport } from '../../lib/pica/transport.js';

/** Of such a size that quadratic time would be hours, and linear time is milliseconds. */
const MEGABYTE = 1_000_000;

const adapter = (settings: object) =>
  ({ getInstance: () => settings }) as HttpServer;
const express = adapter({});
const fastify = adapter({ initialConfig: {} });

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
  ])('by the router rules of the route %s', (route, repeated) => {
    const path = `/${repeated.repeat(MEGABYTE / repeated.length)}`;
    for (const server of [express, fastify]) {
      const matches = createPathMatcher(server, [route]);
      expect(matches(`${path}!`)).toBe(false);
      expect(matches('/a-b-c/a/c/x/authkit-token!')).toBe(false);
    }
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
    expect(() => new Transport(`https://pica.example/${path}`)).not.toThrow();
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

/** The pattern that a route has in words of regular expressions. */
function toRegExp(route: string, flags: string, end: string): RegExp {
  const source = route
    .replace(/\/$/, '')
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll(/\*\w*/g, '.*');
  return new RegExp(`^${source}${end}$`, flags);
}

it.each([
  ['Express', express, 'i', '/?'],
  ['Fastify', fastify, '', ''],
] as const)(
  'the router rules of %s accept what the regular expression of a route accepts',
  (_name, server, flags, end) => {
    const text = (parts: string[]) =>
      fc
        .array(fc.constantFrom(...parts), { maxLength: 8 })
        .map((all) => `/${all.join('')}`);
    fc.assert(
      fc.property(
        text(['a', 'B', '/', '.', '-', ':a', '*', '*b', ':']),
        text(['a', 'b', 'B', '/', '.', '-', 'A']),
        (route, path) => {
          expect(createPathMatcher(server, [route])(path)).toBe(
            toRegExp(route, flags, end).test(path),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  },
);
