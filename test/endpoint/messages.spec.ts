import type { MessageResolver } from '../../lib/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { OpenGuard } from '../support/guards.js';
import { requestToken } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

const DEFAULT_MESSAGE =
  'The integration service is not available at the moment. Please try again.';

describe.each(PLATFORMS)('the messages option on %s', (platform) => {
  const pica = useEmulator();
  const start = (messages: MessageResolver) =>
    startApp({ platform, pica, options: { messages, retries: 0 } });

  it('replaces the message of an error response, by reason, identity and request', async () => {
    const { tokenUrl } = await start(
      (reason, identity, request) =>
        `${reason} ${identity?.identity} ${request.headers['accept-language']}`,
    );
    pica.fault({ status: 500 });
    const { status, body } = await requestToken(tokenUrl, {
      headers: { authorization: 'Bearer ada', 'accept-language': 'pl' },
    });
    expect(status).toBe(502);
    expect(body).toEqual({
      statusCode: 502,
      message: 'unavailable ada pl',
      error: 'Bad Gateway',
      reason: 'unavailable',
    });
  });

  it('is called without an identity before there is one', async () => {
    const { tokenUrl } = await startApp({
      platform,
      pica,
      controller: { guards: [OpenGuard] },
      options: {
        messages: (reason, identity) => `${reason} ${identity === undefined}`,
      },
    });
    const { body } = await requestToken(tokenUrl, { headers: {} });
    expect(body.message).toBe('unidentified true');
  });

  it.each<[string, MessageResolver]>([
    ['returns undefined', () => undefined],
    [
      'throws',
      () => {
        throw new Error('no translation');
      },
    ],
    ['returns a number', () => 5 as unknown as string],
    ['returns a blank string', () => ' '],
    ['returns more than 500 characters', () => 'x'.repeat(501)],
    [
      'returns a promise that rejects',
      () => Promise.reject(new Error('late')) as unknown as string,
    ],
  ])('leaves the default message where it %s', async (_, messages) => {
    const { tokenUrl } = await start(messages);
    pica.fault({ status: 500 });
    const { body } = await requestToken(tokenUrl);
    expect(body).toMatchObject({
      message: DEFAULT_MESSAGE,
      reason: 'unavailable',
    });
  });

  it.each<[string, MessageResolver]>([
    [
      'threw an error',
      () => {
        throw new Error('no translation for ada');
      },
    ],
    ['returned a promise', () => Promise.resolve('x') as unknown as string],
    ['returned a number', () => 5 as unknown as string],
    ['returned an object', () => ({ text: 'x' }) as unknown as string],
    ['returned a blank string', () => ' '],
    ['returned 501 characters', () => 'x'.repeat(501)],
  ])(
    'warns once, with the rules and the reason, if the function %s',
    async (_, messages) => {
      const warnings = captureWarnings();
      const { tokenUrl } = await start(messages);
      pica.fault({ status: 500 });
      await requestToken(tokenUrl);
      await requestToken(tokenUrl);
      const ofMessages = warnings.filter((line) => line.includes('messages'));
      expect(ofMessages).toEqual([
        'The messages function failed for the reason unavailable, so the default is sent. It has to return a string of 1 to 500 characters that is not blank, or undefined; it must not throw or return a promise. (Logged once for each reason.)',
      ]);
    },
  );

  it('warns of nothing where the function returns undefined', async () => {
    const warnings = captureWarnings();
    const { tokenUrl } = await start(() => undefined);
    pica.fault({ status: 500 });
    await requestToken(tokenUrl);
    expect(warnings.filter((line) => line.includes('messages'))).toEqual([]);
  });

  it('accepts 500 characters', async () => {
    const message = 'ż'.repeat(500);
    const { tokenUrl } = await start(() => message);
    pica.fault({ status: 500 });
    expect((await requestToken(tokenUrl)).body.message).toBe(message);
  });

  it('applies to grants and connections', async () => {
    const { url, tokenUrl } = await startApp({
      platform,
      pica,
      controller: { grants: true, connections: true },
      options: {
        messages: (reason, identity) => `${reason}, ${identity?.identity}`,
        retries: 0,
      },
    });
    const refused = await requestToken(tokenUrl, { headers: {} });
    expect(refused.body.message).toBe('unidentified, undefined');
    const missing = await fetch(`${url}/authkit-connections/none`, {
      headers: { cookie: 'sid=ada' },
    });
    expect(missing.status).toBe(404);
    expect((await missing.json()).message).toBe('not_found, ada');
  });
});
