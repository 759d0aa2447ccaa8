import { formatType } from '../format-value.js';

const isQuoted = (key: string): boolean => /^["'`]|["'`]$/.test(key);
const isPublishableKey = (key: string): boolean => /^pk_/i.test(key);

/** Whether a value can be sent as a secret key: visible ASCII without the quotes of a `.env` file, and no `pk_…` key. */
export function isSecretKey(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[\x21-\x7e]+$/.test(value) &&
    !isQuoted(value) &&
    !isPublishableKey(value)
  );
}

/** A refused key: its type or what is wrong with its characters, never the key. */
export function formatSecretKey(value: unknown): string {
  if (typeof value !== 'string' || value === '') return formatType(value);
  const key = value.trim();
  if (key === '') return 'a blank string';
  if (isQuoted(key)) return 'a string with quotes around the key';
  if (isPublishableKey(key)) {
    return 'a publishable key (pk_…), which is not the secret one';
  }
  return 'a string with spaces, line breaks or characters beyond ASCII';
}
