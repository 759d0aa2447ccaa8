import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { PAGE_FILES } from '../../lib/testing/page/page-files.generated.js';
import { WIDGET_FILES } from '../../lib/testing/widget/widget-files.generated.js';

it.each([
  ['widget', WIDGET_FILES],
  ['page', PAGE_FILES],
])(
  'the generated files of the %s equal those in browser/; if not, run `npm run generate`',
  (name, generated) => {
    const folder = `lib/testing/${name}/browser`;
    const files = readdirSync(folder).map((file) => [
      file,
      readFileSync(`${folder}/${file}`, 'utf8'),
    ]);
    expect(generated).toEqual(Object.fromEntries(files));
  },
);
