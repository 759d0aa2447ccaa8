/** Speaks to the page around. */
export const HOST = String.raw`
/** The origin of the page around, once it has said something. */
let origin = '*';

addEventListener('message', (event) => {
  if (event.source === window.parent && event.origin !== 'null') origin = event.origin;
});

function tell(messageType, message) {
  if (window.parent !== window) window.parent.postMessage({ messageType, message }, origin);
}

export const host = {
  connected: (connection) => tell('LINK_SUCCESS', connection),
  failed: (message) => tell('LINK_ERROR', message),
  closed: () => tell('EXIT_EVENT_LINK'),
};
`;
