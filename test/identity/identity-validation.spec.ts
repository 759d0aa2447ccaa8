import { startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 1 });

/** Requests a token for what the extractor of the app returns. */
const requestTokenFor = async (extracted: unknown) => {
  const { tokenUrl } = await startApp({
    pica,
    options: { identity: () => extracted as string },
  });
  return requestToken(tokenUrl);
};
/** The identity of the token, as the upstream receives it. */
const sentIdentity = () =>
  pica.requests.find(({ method }) => method === 'POST')?.body;

describe('what the `identity` extractor returns', () => {
  it('is the identity of a user when it is a string', async () => {
    expect((await requestTokenFor('ada')).status).toBe(200);
    expect(sentIdentity()).toEqual({ identity: 'ada', identityType: 'user' });
  });

  it.each([
    'x'.repeat(256),
    'spaces are unwise',
    'org:1',
    'ünïcödé',
    '__proto__',
    '👩‍🚀',
  ])('is accepted with the identity %j', async (identity) => {
    const extracted = { identity, identityType: 'team' };
    expect((await requestTokenFor(extracted)).status).toBe(200);
    expect(sentIdentity()).toEqual(extracted);
  });

  it('is sent without fields other than identity and identityType', async () => {
    const identity = { identity: 'ada', identityType: 'user' };
    await requestTokenFor({ ...identity, group: 'g', label: 'l' });
    expect(sentIdentity()).toEqual(identity);
  });

  it.each([
    undefined,
    null,
    '',
    '   ',
    { identity: '' },
    { identity: null },
    {},
  ])('is rejected as unidentified when it is %j', async (extracted) => {
    const response = await requestTokenFor(extracted);
    expect(response.status).toBe(401);
    expect(response.body.reason).toBe('unidentified');
    expect(pica.requests).toHaveLength(0);
  });

  it.each<[string, unknown]>([
    ['a number', 42],
    ['a boolean', true],
    ['a list', ['ada']],
    ['a nested list', [['a', 'b']]],
    ['an object with a number', { identity: 42 }],
    ['an object with a list', { identity: ['ada'] }],
    ['an object with an object', { identity: { toString: () => 'ada' } }],
    ['an identity with a line break', { identity: 'a\nb' }],
    ['an identity with a C1 control character', { identity: 'a\u0085b' }],
    ['257 characters', 'x'.repeat(257)],
    ['10 001 combining characters', `a${'\uFE0F'.repeat(10_000)}`],
    ['an identity with a lone surrogate', { identity: 'lone\uD800surrogate' }],
    ['10 million characters', 'x'.repeat(10_000_000)],
    ['300 blanks', ' '.repeat(300)],
    ['an unknown type', { identity: 'ada', identityType: 'root' }],
    ['a list as type', { identity: 'ada', identityType: ['user'] }],
    ['a symbol', Symbol('ada')],
    ['a function', () => 'ada'],
  ])(
    'is rejected as invalid_identity when it is %s',
    async (_name, extracted) => {
      const response = await requestTokenFor(extracted);
      expect(response.status).toBe(400);
      expect(response.body.reason).toBe('invalid_identity');
      expect(pica.requests).toHaveLength(0);
    },
  );
});
