import type { ExecutionContext } from '@nestjs/common';
import { ExtractIdentity } from '../../lib/index.js';
import { startServer } from '../support/server.js';

const context = {} as ExecutionContext;

describe('ExtractIdentity.fromUser()', () => {
  it.each([
    [{ id: 'ada' }, 'ada'],
    [{ sub: 'ada' }, 'ada'],
    [{ id: 'ada', sub: 'other' }, 'ada'],
    [{ id: null, sub: 'ada' }, 'ada'],
    [{ id: '', sub: 'ada' }, 'ada'],
  ])('extracts from the user %j the identity %s', async (user, identity) => {
    expect(await ExtractIdentity.fromUser()({ user }, context)).toEqual({
      identity,
      identityType: 'user',
    });
  });

  it.each([undefined, null, 'ada', 42, {}, { name: 'ada' }])(
    'extracts no identity from the user %j',
    async (user) => {
      expect(
        await ExtractIdentity.fromUser()({ user }, context),
      ).toBeUndefined();
    },
  );

  it('extracts only the given property, as the given type', async () => {
    const extract = ExtractIdentity.fromUser('teamId', 'team');
    const user = { id: 'ada', teamId: 't1' };
    expect(await extract({ user }, context)).toEqual({
      identity: 't1',
      identityType: 'team',
    });
    expect(await extract({ user: { id: 'ada' } }, context)).toBeUndefined();
  });
});

describe('ExtractIdentity.fromHeader()', () => {
  const ADA = { identity: 'ada', identityType: 'user' };

  /** Extracts from a real request, as Express and as Fastify have it: Node joins repeated headers. */
  const extractFrom = async (headers: [string, string][]) => {
    const extract = ExtractIdentity.fromHeader('X-User-Id');
    const identities: unknown[] = [];
    const url = await startServer((request, response) => {
      for (const like of [
        request,
        { raw: request, headers: request.headers },
      ]) {
        identities.push(extract(like, context));
      }
      response.end();
    });
    await fetch(url, { headers });
    return identities;
  };

  it('extracts a header whatever its case, on both platforms', async () => {
    expect(await extractFrom([['x-USER-id', 'ada']])).toEqual([ADA, ADA]);
  });

  it('throws when the header was sent more than once, on both platforms', () => {
    const extract = ExtractIdentity.fromHeader('x-user-id');
    const repeated = {
      headers: { 'x-user-id': 'mallory, ada' },
      headersDistinct: { 'x-user-id': ['mallory', 'ada'] },
    };
    for (const request of [
      repeated,
      { raw: repeated, headers: repeated.headers },
      { headers: { 'x-user-id': ['mallory', 'ada'] } },
    ]) {
      expect(() => extract(request, context)).toThrow(/more than once/);
    }
  });

  it.each<[string, [string, string][]]>([
    ['missing', []],
    ['empty', [['x-user-id', '']]],
  ])('extracts no identity when the header is %s', async (_name, headers) => {
    expect(await extractFrom(headers)).toEqual([undefined, undefined]);
  });

  it('extracts from the plain headers of a request that a test has made', async () => {
    const extract = ExtractIdentity.fromHeader('x-user-id');
    const request = { headers: { 'x-user-id': 'ada' } };
    expect(await extract(request, context)).toEqual(ADA);
  });
});

describe('ExtractIdentity.fromExtractors()', () => {
  it('extracts the first identity that exists and calls no further extractor', async () => {
    const called: string[] = [];
    const returning = (name: string, value: string | null) => () => {
      called.push(name);
      return value;
    };
    const extract = ExtractIdentity.fromExtractors([
      returning('a', null),
      returning('b', ''),
      async () => returning('c', 'ada')(),
      returning('d', 'mallory'),
    ]);
    expect(await extract({}, context)).toBe('ada');
    expect(called).toEqual(['a', 'b', 'c']);
  });

  it('extracts no identity when no extractor does', async () => {
    expect(
      await ExtractIdentity.fromExtractors([])({}, context),
    ).toBeUndefined();
  });
});
