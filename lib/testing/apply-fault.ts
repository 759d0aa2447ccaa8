import {
  collectBody,
  encodeBody,
  errorResponse,
  isSuccess,
  type EmulatorResponse,
} from './emulator-response.js';
import type { Exchange } from './exchange.js';
import type { EmulatorFault } from './faults.js';
import { integrationList } from './integrations.js';
import { isPassthrough, unauthorized } from './platforms/passthrough.js';
import type { Call } from './route.js';

/** @param respond makes the real response */
export async function applyFault(
  fault: EmulatorFault,
  exchange: Exchange,
  call: Call,
  respond: () => Promise<EmulatorResponse>,
): Promise<void> {
  const { hang, reset, endless, malformed, cutOff, trickle } = fault;
  if (hang) return;
  if (reset) return exchange.reset();
  if (endless) return sendEndless(fault, exchange);

  const response = await responseOf(fault, call, respond);
  if (malformed) {
    const whole = encodeBody(response.body ?? '{}');
    const body = whole.subarray(0, whole.length >> 1);
    await exchange.send({ ...response, status: fault.status ?? 200, body });
  } else if (cutOff !== undefined) {
    exchange.truncate(response, cutOff === true ? undefined : cutOff);
  } else if (trickle) {
    await exchange.trickle(response, trickle);
  } else {
    await exchange.send(response);
  }
}

async function responseOf(
  fault: EmulatorFault,
  call: Call,
  respond: () => Promise<EmulatorResponse>,
): Promise<EmulatorResponse> {
  const { status, headers, body } = fault;
  if (body !== undefined) return { status: status ?? 200, headers, body };
  if (status !== undefined && !isSuccess(status)) {
    const refused =
      status === 401 && isPassthrough(call.request)
        ? unauthorized()
        : errorResponse(status, call.correlationId);
    return { ...refused, headers: { ...refused.headers, ...headers } };
  }
  const isRaw = fault.malformed ?? fault.cutOff ?? fault.trickle;
  const needsBytes = isRaw !== undefined || fault.transform;
  const given = await respond();
  const real = needsBytes ? await collectBody(given) : given;
  const response = isSuccess(real.status)
    ? { status: status ?? real.status, body: transformBody(fault, real.body) }
    : real;
  return { ...response, headers: { ...real.headers, ...headers } };
}

function transformBody({ transform }: EmulatorFault, body: unknown): unknown {
  if (!transform) return body;
  const copy: unknown =
    body === undefined ? undefined : JSON.parse(encodeBody(body).toString());
  const result = transform(copy);
  return result === undefined ? copy : result;
}

function sendEndless(
  { status = 200, headers }: EmulatorFault,
  exchange: Exchange,
): Promise<void> {
  const rows = integrationList(100)
    .rows()
    .map((row) => `${JSON.stringify(row)},`);
  const more = Buffer.from(rows.join(''));
  return exchange.endless({ status, headers, body: '{"rows":[' }, more);
}
