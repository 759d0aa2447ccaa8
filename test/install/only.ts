/**
 * Reads what `--only` chooses: texts of the form `nest=11,nest=12,node=current`,
 * with values in upper or lower case.
 *
 * @param dimensions the values of each name
 * @throws {Error} for a name or a value that does not exist
 */
export function parseOnly<Name extends string>(
  texts: readonly string[],
  dimensions: Readonly<Record<Name, readonly string[]>>,
): Partial<Record<Name, string[]>> {
  const chosen: Partial<Record<Name, string[]>> = {};
  const names = Object.keys(dimensions) as Name[];
  for (const text of texts.flatMap((each) => each.split(','))) {
    const [given, value = ''] = text.split('=');
    const name = names.find((each) => each === given);
    if (!name) {
      throw new Error(
        `--only ${text}: expected one of ${names.join(', ')}, then = and a value`,
      );
    }
    const values = dimensions[name];
    const known = values.find(
      (each) => each.toLowerCase() === value.toLowerCase(),
    );
    if (known === undefined) {
      throw new Error(`--only ${text}: expected one of ${values.join(', ')}`);
    }
    (chosen[name] ??= []).push(known);
  }
  return chosen;
}
