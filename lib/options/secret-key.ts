import { formatType } from '../format-value.js';

/** Whether a value can be sent as a secret key. */
export function isSecretKey(value: unknown): value is string {
  return formatSecretKey(value) === undefined;
}

/** A refused key: its type or what is wrong with its characters, never the key. `undefined` if it can be sent. */
export function formatSecretKey(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return formatType(value);
  const key = value.trim();
  if (/^["'`]|["'`]$/.test(key)) return 'a string with quotes around the key';
  if (/^pk_/i.test(key)) {
    return 'a publishable key (pk_…), which is not the secret one';
  }
  return /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : 'a string with spaces, line breaks or characters beyond ASCII';
}
