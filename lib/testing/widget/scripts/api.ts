/** Tells the emulator that its user has agreed. */
export const API = String.raw`import { Failure } from './token.js';

/** Makes the connection. What is refused is a Failure; isOver says that only a new token helps. */
export async function connect(consent) {
  const response = await fetch('/widget/connections', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(consent),
  }).catch(() => {
    throw new Failure('The emulator does not answer.', 'Does it still run?');
  });
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Failure(body.message), { isOver: response.status === 409 });
  return body;
}
`;
