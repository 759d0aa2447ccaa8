import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { WIDGET_FILES } from '../../lib/testing/widget/widget-files.generated.js';

it('the generated widget files equal the files in browser/; if not, run `npm run generate`', () => {
  const folder = 'lib/testing/widget/browser';
  const files = readdirSync(folder).map((name) => [
    name,
    readFileSync(`${folder}/${name}`, 'utf8'),
  ]);
  expect(WIDGET_FILES).toEqual(Object.fromEntries(files));
});
