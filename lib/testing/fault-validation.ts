import { validateHeaderName, validateHeaderValue } from 'node:http';
import { types } from 'node:util';
import type { EmulatorFault } from './fault.js';
import {
  checkMilliseconds,
  checkNames,
  checkWhole,
  mistake,
} from './mistake.js';

type Field = keyof EmulatorFault;

const CONDITIONS: readonly Field[] = [
  'path',
  'method',
  'page',
  'identity',
  'when',
  'times',
  'skip',
];

/** What an answer is made of. */
const ANSWER: readonly Field[] = ['status', 'headers', 'body', 'transform'];

/** The effects that happen to the answer or instead of it, each with what it leaves no room for. */
const CONFLICTS: readonly (readonly [Field, ...Field[]])[] = [
  ['body', 'transform'],
  ['reset', 'hang', 'cutOff', 'malformed', 'trickle', 'endless', ...ANSWER],
  ['hang', 'cutOff', 'malformed', 'trickle', 'endless', ...ANSWER],
  ['endless', 'cutOff', 'malformed', 'trickle', 'body', 'transform'],
  ['malformed', 'body', 'transform'],
  ['cutOff', 'trickle'],
];

const EFFECTS: readonly Field[] = [
  ...ANSWER,
  'delay',
  'reset',
  'hang',
  'cutOff',
  'malformed',
  'trickle',
  'endless',
];

/**
 * @throws {TypeError} for a fault without an effect, with effects that
 *   contradict each other, or with a field of the wrong type
 * @throws {RangeError} for a number out of its range
 */
export function checkFault(fault: EmulatorFault): void {
  if (typeof fault !== 'object' || fault === null) {
    throw mistake(
      TypeError,
      'the argument of fault()',
      fault,
      'an object',
      'For example fault({ status: 503, times: 1 }).',
    );
  }
  checkNames('fault()', fault, [...CONDITIONS, ...EFFECTS]);
  const given = (name: Field) => fault[name] !== undefined;
  if (!EFFECTS.some(given)) {
    throw new TypeError(
      `PicaEmulator: the fault has no effect; expected at least one of ${EFFECTS.join(', ')}. ` +
        'For example fault({ status: 503 }).',
    );
  }
  for (const [effect, ...others] of CONFLICTS) {
    const other = given(effect) && others.find(given);
    if (!other) continue;
    throw new TypeError(
      `PicaEmulator: the fault has ${effect} and ${other}, which contradict each other; expected one of them. ` +
        'Leave one out, or make two faults with times or skip.',
    );
  }
  checkConditions(fault);
  checkEffects(fault);
}

function checkConditions(fault: EmulatorFault): void {
  const { path, page, times, skip } = fault;
  if (!types.isRegExp(path)) checkType(fault, 'path', 'string');
  checkType(fault, 'method', 'string');
  checkType(fault, 'identity', 'string');
  checkType(fault, 'when', 'function');
  if (typeof path === 'string' && !/^\/[^?]*$/.test(path)) {
    throw mistake(
      RangeError,
      'path',
      path,
      'a path that begins with / and has no query',
      'Use page, or when: ({ query }) => …, for the query.',
    );
  }
  if (page !== undefined) {
    checkWhole('page', page, [1, Infinity], 'The first page is 1.');
  }
  if (times !== undefined && times !== Infinity) {
    checkWhole('times', times, [1, Infinity], 'Leave it out for all requests.');
  }
  if (skip !== undefined) {
    checkWhole('skip', skip, [0, Infinity], 'Leave it out to skip none.');
  }
}

function checkEffects(fault: EmulatorFault): void {
  const { status, headers, delay, cutOff, trickle, transform } = fault;
  if (status !== undefined) {
    checkWhole('status', status, [100, 599], 'Pass an HTTP status.');
    if (transform && (status < 200 || status > 299)) {
      throw new TypeError(
        `PicaEmulator: the fault has transform and the status ${status}, which contradict each other: ` +
          'transform changes the real answer; expected a status from 200 to 299. Use body for an error.',
      );
    }
  }
  if (headers !== undefined) checkHeaders(headers);
  checkType(fault, 'transform', 'function');
  if (delay !== undefined) checkMilliseconds('delay', delay);
  for (const name of ['reset', 'hang', 'malformed', 'endless'] as const) {
    const value: unknown = fault[name];
    if (value === undefined || value === true) continue;
    throw mistake(TypeError, name, value, 'true', 'Leave it out for no.');
  }
  if (cutOff !== undefined && cutOff !== true) {
    checkWhole('cutOff', cutOff, [0, Infinity], 'Pass true for half the body.');
  }
  if (trickle !== undefined) checkTrickle(trickle);
}

function checkTrickle(trickle: EmulatorFault['trickle']): void {
  const advice = 'For example trickle: { bytes: 10, every: 100 }.';
  if (typeof trickle !== 'object' || trickle === null) {
    throw mistake(TypeError, 'trickle', trickle, '{ bytes, every }', advice);
  }
  checkWhole('trickle.bytes', trickle.bytes, [1, Infinity], advice);
  checkMilliseconds('trickle.every', trickle.every);
}

function checkHeaders(headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) {
    const advice = "For example headers: { 'retry-after': '30' }.";
    throw mistake(TypeError, 'headers', headers, 'an object', advice);
  }
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      for (const one of [value].flat()) validateHeaderValue(name, one);
    } catch {
      throw mistake(
        TypeError,
        `headers['${name}']`,
        value,
        'a name and a string, or a list of them, that HTTP allows',
        'Leave line breaks and other control characters out.',
      );
    }
  }
}

function checkType(
  fault: EmulatorFault,
  name: Field,
  type: 'string' | 'function',
): void {
  const value = fault[name];
  if (value === undefined || typeof value === type) return;
  const expected = name === 'path' ? 'a string or a RegExp' : `a ${type}`;
  throw mistake(TypeError, name, value, expected, 'Leave it out for any.');
}
