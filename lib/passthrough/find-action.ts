import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitAction } from '../authkit.types.js';

/** How many actions the message of a failure names. */
const MAX_NAMED = 3;

/** How well a segment of a path matches one of an action: 0 for a literal, 1 for a part, 2 for a placeholder. */
type Rank = 0 | 1 | 2;

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
  const segments = segmentsOf(path).map(decode);
  const found = actions
    .filter((action) => action.method.toUpperCase() === method)
    .map((action) => ({ action, ranks: rank(action.path, segments) }))
    .filter(({ ranks }) => ranks !== undefined)
    .sort((one, other) => compare(one.ranks!, other.ranks!));
  const [best, next] = found;
  if (best && !(next && compare(best.ranks!, next.ranks!) === 0)) {
    return best.action;
  }
  const nearest = best
    ? found.map(({ action }) => action)
    : nearestActions(actions, method, segments);
  const names = nearest
    .slice(0, MAX_NAMED)
    .map(({ title, method, path, systemId }) =>
      JSON.stringify(`${title}: ${method} ${path} (${systemId})`).slice(1, -1),
    );
  throw new AuthKitException('invalid_argument', {
    message:
      `${best ? 'Several actions match' : 'No action matches'} ${method} and this path: pass action. ` +
      (names.length > 0
        ? `The nearest: ${names.join('; ')}.`
        : 'The platform has no actions.'),
  });
}

const segmentsOf = (path: string): string[] =>
  path.split('?', 1)[0]!.replace(/^\//, '').split('/');

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `undefined` if the path of an action does not match. */
function rank(path: string, segments: readonly string[]): Rank[] | undefined {
  const pattern = segmentsOf(path);
  if (pattern.length !== segments.length) return undefined;
  const ranks: Rank[] = [];
  for (const [index, part] of pattern.entries()) {
    const ranked = rankSegment(part, segments[index]!);
    if (ranked === undefined) return undefined;
    ranks.push(ranked);
  }
  return ranks;
}

function rankSegment(part: string, segment: string): Rank | undefined {
  const [before, ...rest] = part.split(/\{\{[^{}]*\}\}/);
  if (rest.length === 0) return decode(part) === segment ? 0 : undefined;
  const isPlaceholder = before === '' && rest.every((text) => text === '');
  if (isPlaceholder) return segment === '' ? undefined : 2;
  // The texts between the placeholders come in this order.
  if (!segment.startsWith(before!)) return undefined;
  let at = before!.length;
  for (const text of rest.slice(0, -1)) {
    const found = segment.indexOf(text, at + 1);
    if (found < 0) return undefined;
    at = found + text.length;
  }
  const last = rest.at(-1)!;
  const fits = segment.length - last.length > at && segment.endsWith(last);
  return fits ? 1 : undefined;
}

function compare(one: readonly Rank[], other: readonly Rank[]): number {
  for (const [index, rank] of one.entries()) {
    if (rank !== other[index]) return rank - other[index]!;
  }
  return 0;
}

/** The actions that have the most segments in common with a path, those with the same method first. */
function nearestActions(
  actions: readonly AuthKitAction[],
  method: string,
  segments: readonly string[],
): AuthKitAction[] {
  const distance = (action: AuthKitAction) => {
    const pattern = segmentsOf(action.path);
    const same = pattern.filter(
      (part, index) =>
        segments[index] !== undefined &&
        rankSegment(part, segments[index]) !== undefined,
    ).length;
    const differs = action.method.toUpperCase() === method ? 0 : 0.5;
    return Math.max(pattern.length, segments.length) - same + differs;
  };
  return [...actions].sort((one, other) => distance(one) - distance(other));
}
