import type { AuthKitIdentity } from '../../lib/index.js';
import { PLATFORMS, reasonOf, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { bearer } from '../support/grants.js';
import { requestGrant, requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 1 });
const ADA = { identity: 'ada' };

/** Name and tags that the last call for a token has sent. */
const sent = () => {
  const { name, tags } = pica.requests
    .filter(({ method }) => method === 'POST')
    .at(-1)!.body as { name?: string; tags?: string[] };
  return { name, tags };
};

/** An option `connection` that notes what it is called with. */
function noting() {
  const calls: { identity?: string; workspace?: unknown }[] = [];
  const connection = (
    identity: AuthKitIdentity | undefined,
    { request }: { request?: object } = {},
  ) => {
    const { headers } = request as { headers: Record<string, string> };
    const workspace = headers['x-workspace'];
    calls.push({ identity: identity?.identity, workspace });
    return { name: `Of ${workspace}`, tags: [`${workspace}`] };
  };
  return { calls, connection };
}

describe.each(PLATFORMS)('name and tags on %s', (platform) => {
  const startWithGrants = (connection?: object) =>
    startApp({
      pica,
      platform,
      options: { connection },
      controller: { grants: true },
    });

  it('travel in the grant from the function `connection`, which the request for the grant decides', async () => {
    const { calls, connection } = noting();
    const { tokenUrl } = await startWithGrants(connection);
    const { body } = await requestGrant(tokenUrl, { 'x-workspace': 'acme' });
    expect(calls).toEqual([{ identity: 'ada', workspace: 'acme' }]);
    const { status } = await requestToken(tokenUrl, {
      headers: { ...body.headers, 'x-workspace': 'theirs' },
      body: '{"name":"theirs","tags":["theirs"]}',
    });
    expect(status).toBe(200);
    expect(sent()).toEqual({ name: 'Of acme', tags: ['acme'] });
    expect(calls).toHaveLength(1);
  });

  it('come from the function `connection` and the request for the token without grants', async () => {
    const { calls, connection } = noting();
    const { tokenUrl } = await startApp({
      pica,
      platform,
      options: { connection },
    });
    await requestToken(tokenUrl, {
      headers: { authorization: 'Bearer ada', 'x-workspace': 'acme' },
    });
    expect(calls).toEqual([{ identity: 'ada', workspace: 'acme' }]);
    expect(sent()).toEqual({ name: 'Of acme', tags: ['acme'] });
  });

  it('travel in a grant that the app issues itself, and take precedence over the option', async () => {
    const { grants, tokenUrl } = await startWithGrants({
      name: 'Default',
      tags: ['default'],
    });
    for (const [label, expected] of [
      [{ name: 'Own' }, { name: 'Own', tags: ['default'] }],
      [{ tags: [] }, { name: 'Default', tags: [] }],
      [{}, { name: 'Default', tags: ['default'] }],
    ]) {
      const grant = await grants.issue(ADA, label);
      await requestToken(tokenUrl, { headers: bearer(grant) });
      expect(sent()).toEqual(expected);
    }
  });

  it('that no connection can have are refused when the grant is issued', async () => {
    const { grants } = await startWithGrants();
    for (const label of [{ name: 'x'.repeat(257) }, { tags: [''] }]) {
      expect(await reasonOf(grants.issue(ADA, label))).toBe('invalid_argument');
    }
  });
});
