import { encode, isSuccess, type Answer } from './answer.js';
import { catalogueOf } from './catalogue.js';
import type { Exchange } from './exchange.js';
import type { EmulatorFault } from './fault.js';
import type { Call } from './route.js';
import { answerTo } from './router.js';
import { vendorError } from './vendor-errors.js';

/** Does to a request what the fault says. */
export async function strike(
  fault: EmulatorFault,
  exchange: Exchange,
  call: Call,
): Promise<void> {
  const { hang, reset, endless, malformed, cutOff, trickle } = fault;
  if (hang) return;
  if (reset) return exchange.reset();
  if (endless) return sendEndless(fault, exchange);

  const answer = answerOf(fault, call);
  if (malformed) {
    const whole = encode(answer.body);
    const body = whole.subarray(0, whole.length >> 1);
    exchange.send({ ...answer, status: fault.status ?? 200, body });
  } else if (cutOff !== undefined) {
    exchange.cutOff(answer, cutOff === true ? undefined : cutOff);
  } else if (trickle) {
    await exchange.trickle(answer, trickle);
  } else {
    exchange.send(answer);
  }
}

function answerOf(fault: EmulatorFault, call: Call): Answer {
  const { status, headers, body } = fault;
  if (body !== undefined) return { status: status ?? 200, headers, body };
  if (status !== undefined && !isSuccess(status)) {
    return { ...vendorError(status, call.correlationId), headers };
  }
  const real = answerTo(call);
  const wanted = isSuccess(real.status)
    ? { status: status ?? real.status, body: transformed(fault, real.body) }
    : real;
  return { ...wanted, headers: { ...real.headers, ...headers } };
}

function transformed({ transform }: EmulatorFault, body: unknown): unknown {
  if (!transform) return body;
  const copy: unknown = JSON.parse(encode(body).toString());
  const result = transform(copy);
  return result === undefined ? copy : result;
}

function sendEndless(
  { status = 200, headers }: EmulatorFault,
  exchange: Exchange,
): Promise<void> {
  const rows = catalogueOf(100)
    .rows()
    .map((row) => JSON.stringify(row));
  const more = Buffer.from(rows.map((row) => `${row},`).join(''));
  return exchange.endless({ status, headers, body: '{"rows":[' }, more);
}
