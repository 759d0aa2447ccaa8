import type { EmulatorFault } from '../faults.js';

/** All calls of the API, and none of the widget. */
const path = /^\/v1\//;

/** The faults that the page has a switch for. */
export const FAULT_PRESETS: Readonly<
  Record<string, { title: string; fault: EmulatorFault }>
> = {
  unavailable: { title: '503 Unavailable', fault: { path, status: 503 } },
  rate_limited: {
    title: '429 with Retry-After: 5',
    fault: { path, status: 429, headers: { 'retry-after': '5' } },
  },
  slow: { title: 'Slow: 3 s', fault: { path, delay: 3000 } },
  cut_off: { title: 'Responses cut off', fault: { path, cutOff: true } },
  wrong_key: { title: 'Wrong key: 401', fault: { path, status: 401 } },
};
