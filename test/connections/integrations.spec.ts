import { AuthKitTokenService } from '../../lib/index.js';
import { createApp, reasonOf } from '../support/app.js';
import { ADA, CONNECTIONS, useConnections } from '../support/connections.js';

describe('integrations() with the connections of the owner', () => {
  const { pica } = useConnections('pica');
  const create = async (timeout: number) => {
    const app = await createApp({ pica, options: { timeout } });
    const tokens = app.get(AuthKitTokenService);
    return () => tokens.integrations(ADA, { connections: true });
  };

  it('does not wait for a rate limit', async () => {
    pica.fault({
      path: CONNECTIONS,
      status: 429,
      headers: { 'retry-after': '8' },
    });
    const integrations = await create(2_000);
    expect(await reasonOf(integrations())).toBe('rate_limited');
  });

  it('fails within the `timeout` when the list hangs', async () => {
    pica.fault({ path: CONNECTIONS, hang: true });
    const integrations = await create(300);
    expect(await reasonOf(integrations())).toBe('timed_out');
  });

  it('has at most 64 calls in flight and 500 pending requests of an account', async () => {
    pica.fault({ hang: true });
    const integrations = await create(2_000);
    const reasons = await Promise.all(
      Array.from({ length: 600 }, () => reasonOf(integrations())),
    );
    expect(pica.requests.length).toBeLessThanOrEqual(64);
    const count = (reason: string) =>
      reasons.filter((each) => each === reason).length;
    expect([count('rate_limited'), count('timed_out')]).toEqual([100, 500]);
  });
});
