/** Removes the slashes at the end of a path or URL, in linear time: `/\/+$/` takes quadratic time. */
export function trimTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
