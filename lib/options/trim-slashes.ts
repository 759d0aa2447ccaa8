const SLASH = 0x2f;

/**
 * Removes the slashes at the end of a path or URL. In linear time: the pattern
 * `/\/+$/` takes time quadratic in the number of slashes elsewhere.
 */
export function trimTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === SLASH) end -= 1;
  return path.slice(0, end);
}
