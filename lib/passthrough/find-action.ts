import type { AuthKitException } from '../authkit.exception.js';
import type { AuthKitAction } from '../authkit.types.js';
import { decode, refused } from './call-request.js';

/** How many actions the message of a failure names. */
const MAX_NAMED = 3;

/**
 * Finds the action of a call by its method and path, segment by segment.
 * Literal segments take precedence over `{{placeholders}}`.
 *
 * @throws {AuthKitException} `invalid_argument` that names the nearest actions, if none matches or several match equally well
 */
export function findAction(
  actions: readonly AuthKitAction[],
  method: string,
  path: string,
): AuthKitAction {
  const segments = segmentsOf(path).map((segment) => decode(segment)!);
  let best: AuthKitAction[] = [];
  let bestRank = '';
  for (const action of actions) {
    if (action.method.toUpperCase() !== method) continue;
    const rank = rankOf(patternOf(action), segments);
    if (rank === undefined || (best[0] && rank > bestRank)) continue;
    best = rank === bestRank ? [...best, action] : [action];
    bestRank = rank;
  }
  if (best.length === 1) return best[0]!;
  throw noAction(actions, best, method, segments);
}

/** @param best those that match equally well */
function noAction(
  actions: readonly AuthKitAction[],
  best: readonly AuthKitAction[],
  method: string,
  segments: readonly string[],
): AuthKitException {
  /** The number of segments that differ. Another method counts half. */
  const distance = (action: AuthKitAction) => {
    const pattern = patternOf(action);
    const length = Math.max(pattern.length, segments.length);
    const same = pattern.filter((part, index) =>
      rankOf([part], segments.slice(index, index + 1)),
    ).length;
    return length - same + (action.method.toUpperCase() === method ? 0 : 0.5);
  };
  const nearest =
    best.length > 0
      ? best
      : [...actions].sort((one, other) => distance(one) - distance(other));
  const names = nearest
    .slice(0, MAX_NAMED)
    .map(({ title, method, path, systemId }) =>
      JSON.stringify(`${title}: ${method} ${path} (${systemId})`).slice(1, -1),
    );
  return refused(
    `${best.length > 0 ? 'Several actions match' : 'No action matches'} ${method} and this path: pass action. ` +
      (names.length > 0
        ? `The nearest: ${names.join('; ')}.`
        : 'The platform has no actions.'),
  );
}

const segmentsOf = (path: string): string[] =>
  path.split('?', 1)[0]!.replace(/^\//, '').split('/');

/** A segment of the path of an action: its texts between placeholders. A literal is one text. */
type Part = readonly string[];

const patterns = new WeakMap<AuthKitAction, readonly Part[]>();

function patternOf(action: AuthKitAction): readonly Part[] {
  let pattern = patterns.get(action);
  if (!pattern) {
    pattern = segmentsOf(action.path).map((segment) => {
      const texts = segment.split(/\{\{[^{}]*\}\}/);
      return texts.length === 1 ? [decode(segment) ?? segment] : texts;
    });
    patterns.set(action, pattern);
  }
  return pattern;
}

/**
 * How well a path matches a pattern, a digit for each segment: 0 for a literal,
 * 1 for a placeholder beside text, 2 for a placeholder. The lowest is the best.
 *
 * @returns `undefined` if it does not match
 */
function rankOf(
  pattern: readonly Part[],
  segments: readonly string[],
): string | undefined {
  if (pattern.length !== segments.length) return undefined;
  let rank = '';
  for (const [index, texts] of pattern.entries()) {
    if (!matches(texts, segments[index]!)) return undefined;
    if (texts.length === 1) rank += '0';
    else rank += texts.every((text) => text === '') ? '2' : '1';
  }
  return rank;
}

/** Whether a segment has these texts in this order, and something between each two. */
function matches(texts: Part, segment: string): boolean {
  const [first = '', ...others] = texts;
  const last = others.pop();
  if (last === undefined) return segment === first;
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false;
  let at = first.length;
  for (const text of others) {
    const found = segment.indexOf(text, at + 1);
    if (found < 0) return false;
    at = found + text.length;
  }
  return segment.length - last.length > at;
}
