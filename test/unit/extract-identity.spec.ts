import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { ExtractIdentity } from '../../lib/index.js';
import { toIdentity } from '../../lib/identity/to-identity.js';

const context = {} as ExecutionContext;

describe('ExtractIdentity.fromUser', () => {
  it.each([
    [{ id: 'ada' }, 'ada'],
    [{ sub: 'ada' }, 'ada'],
    [{ id: 'ada', sub: 'other' }, 'ada'],
    [{ id: null, sub: 'ada' }, 'ada'],
    [{ id: '', sub: 'ada' }, 'ada'],
  ])('reads %j as %s', async (user, identity) => {
    expect(await ExtractIdentity.fromUser()({ user }, context)).toEqual({
      identity,
      identityType: 'user',
    });
  });

  it.each([undefined, null, 'ada', 42, {}, { name: 'ada' }])(
    'finds nobody in %j',
    async (user) => {
      expect(
        await ExtractIdentity.fromUser()({ user }, context),
      ).toBeUndefined();
    },
  );

  it('reads the property and type that it is told, and no other', async () => {
    const extract = ExtractIdentity.fromUser('teamId', 'team');
    expect(
      await extract({ user: { id: 'ada', teamId: 't1' } }, context),
    ).toEqual({
      identity: 't1',
      identityType: 'team',
    });
    expect(await extract({ user: { id: 'ada' } }, context)).toBeUndefined();
  });
});

describe('ExtractIdentity.fromHeader', () => {
  /** What the extractor makes of real requests, since Node joins repeated headers. */
  const extractOver = async (headers: [string, string][]) => {
    const extract = ExtractIdentity.fromHeader('X-User-Id');
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      for (const like of [
        request,
        { raw: request, headers: request.headers },
      ]) {
        try {
          seen.push(extract(like, context));
        } catch (error) {
          seen.push((error as { reason: string }).reason);
        }
      }
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await fetch(`http://127.0.0.1:${port}`, { headers });
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    return seen;
  };

  it('reads a header in any case, on either platform', async () => {
    const ada = { identity: 'ada', identityType: 'user' };
    expect(await extractOver([['x-USER-id', 'ada']])).toEqual([ada, ada]);
  });

  it('refuses it where it came twice, on either platform', () => {
    const extract = ExtractIdentity.fromHeader('x-user-id');
    const twice = {
      headers: { 'x-user-id': 'mallory, ada' },
      headersDistinct: { 'x-user-id': ['mallory', 'ada'] },
    };
    for (const request of [
      twice,
      { raw: twice, headers: twice.headers },
      { headers: { 'x-user-id': ['mallory', 'ada'] } },
    ]) {
      expect(() => extract(request, context)).toThrow(/more than once/);
    }
  });

  it('finds nobody where it is missing or empty', async () => {
    expect(await extractOver([])).toEqual([undefined, undefined]);
    expect(await extractOver([['x-user-id', '']])).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('reads the plain headers where a test has made up the request', async () => {
    const extract = ExtractIdentity.fromHeader('x-user-id');
    expect(await extract({ headers: { 'x-user-id': 'ada' } }, context)).toEqual(
      {
        identity: 'ada',
        identityType: 'user',
      },
    );
  });
});

describe('ExtractIdentity.fromExtractors', () => {
  it('takes the first that is there, and asks no further', async () => {
    const asked: string[] = [];
    const say = (name: string, value: string | null) => () => {
      asked.push(name);
      return value;
    };
    const extract = ExtractIdentity.fromExtractors([
      say('a', null),
      say('b', ''),
      async () => say('c', 'ada')(),
      say('d', 'mallory'),
    ]);
    expect(await extract({}, context)).toBe('ada');
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('finds nobody where none does', async () => {
    expect(
      await ExtractIdentity.fromExtractors([])({}, context),
    ).toBeUndefined();
  });
});

describe('what becomes an identity', () => {
  const reasonOf = (candidate: unknown) => {
    try {
      return toIdentity(candidate);
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  };

  it('a name alone is a user', () => {
    expect(reasonOf('ada')).toEqual({ identity: 'ada', identityType: 'user' });
  });

  it.each([
    'x'.repeat(256),
    'spaces are unwise',
    'org:1',
    'ünïcödé',
    '__proto__',
    '👩‍🚀',
  ])('%j is one', (identity) => {
    expect(reasonOf({ identity, identityType: 'team' })).toEqual({
      identity,
      identityType: 'team',
    });
  });

  it.each([
    undefined,
    null,
    '',
    '   ',
    { identity: '' },
    { identity: null },
    {},
  ])('%j is nobody', (candidate) => {
    expect(reasonOf(candidate)).toBe('unidentified');
  });

  it.each([
    42,
    true,
    ['ada'],
    [['a', 'b']],
    { identity: 42 },
    { identity: ['ada'] },
    { identity: { toString: () => 'ada' } },
    { identity: 'a\nb' },
    { identity: 'a\u0085b' },
    'x'.repeat(257),
    `a${'\uFE0F'.repeat(10_000)}`,
    { identity: 'lone\uD800surrogate' },
    'x'.repeat(10_000_000),
    ' '.repeat(300),
    { identity: 'ada', identityType: 'root' },
    { identity: 'ada', identityType: ['user'] },
    Symbol('ada'),
    () => 'ada',
  ])('%# is refused', (candidate) => {
    expect(reasonOf(candidate)).toBe('invalid_identity');
  });

  it('nothing but the two fields is taken over', () => {
    const candidate = {
      identity: 'ada',
      identityType: 'user',
      group: 'g',
      label: 'l',
    };
    expect(Object.keys(toIdentity(candidate))).toEqual([
      'identity',
      'identityType',
    ]);
  });
});
