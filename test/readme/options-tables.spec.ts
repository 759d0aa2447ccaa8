import { readFileSync } from 'node:fs';
import { getMetadataStorage } from 'class-validator';
import { EXTRA_NAMES } from '../../lib/options/controller.options.js';
import { AuthKitModuleOptions } from '../../lib/options/module.options.js';

/** The names of the options that have a decorator. */
const optionNames = () => [
  ...new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(AuthKitModuleOptions, '', false, false)
      .map(({ propertyName }) => propertyName),
  ),
];

/** The names in the first column of the guide's tables. */
const namesIn = (guide: string) =>
  [...readFileSync(guide, 'utf8').matchAll(/^\| `(\w+)`/gm)].map(
    ([, name]) => name!,
  );

describe('the tables of the README and of the guide to configuration', () => {
  const listed = [...namesIn('README.md'), ...namesIn('docs/configuration.md')];

  it.each([
    ['option', optionNames()],
    ['extra', EXTRA_NAMES],
  ])('list every %s', (_, names) => {
    expect(names.length).toBeGreaterThan(3);
    expect(listed).toEqual(expect.arrayContaining(names));
  });
});
