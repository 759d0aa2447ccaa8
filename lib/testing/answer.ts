import type { OutgoingHttpHeaders } from 'node:http';
import { types } from 'node:util';

/** What a route, or a fault, wants to be answered. */
export interface Answer {
  status: number;
  /** Beside `Content-Type` and `Content-Length`, or instead of them. */
  headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON, a string or bytes as they are. */
  body: unknown;
}

/** The bytes of a body. */
export function encode(body: unknown): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  if (types.isUint8Array(body)) return Buffer.from(body);
  return Buffer.from(JSON.stringify(body) ?? '');
}

/** Whether the answer is the one that was asked for. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
