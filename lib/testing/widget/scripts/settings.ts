/** Takes the settings that the page around gives: in the address, and by message. */
export const SETTINGS = String.raw`
/**
 * Calls back with the settings of useAuthKit(), and once more when others
 * come. Gives whether there were any in the address.
 */
export function onSettings(callback) {
  let known;
  const take = (given) => {
    if (!given || typeof given.linkTokenEndpoint !== 'string') return;
    const text = JSON.stringify(given);
    if (text === known) return;
    known = text;
    callback(given);
  };
  addEventListener('message', (event) => {
    if (event.source === window.parent) take(event.data);
  });
  take(fromAddress());
  return known !== undefined;
}

function fromAddress() {
  try {
    return JSON.parse(atob(new URLSearchParams(location.search).get('data') || ''));
  } catch {
    return undefined;
  }
}
`;
