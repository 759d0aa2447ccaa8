import type { ConnectedListener } from 'nestjs-pica-authkit';

/**
 * Called with each connection that a page has confirmed. It only logs the
 * connection; an app stores its id, or starts an import. A page may confirm a
 * connection twice, so the second call must change nothing.
 */
export const onConnected: ConnectedListener = (
  { id, platform },
  owner,
  { replaced },
) => {
  const verb = replaced ? 'connected again' : 'connected';
  console.log(`${owner.identity} has ${verb} ${platform}: ${id}`);
};
