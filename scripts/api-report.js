/**
 * Writes the public API of each entry point into etc/, from the declarations in dist/: `npm run api`.
 * With `--check` it writes nothing, and fails if a report is not what the declarations say.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('../', import.meta.url));
const check = process.argv.includes('--check');
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

mkdirSync(`${root}etc`, { recursive: true });
for (const [entry, conditions] of Object.entries(exports)) {
  const { types } = conditions.import ?? {};
  if (!types) continue;
  const name = entry === '.' ? 'index' : entry.slice(2);
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: `${root}package.json`,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      newlineKind: 'lf',
      mainEntryPointFilePath: `${root}${types}`,
      compiler: { tsconfigFilePath: `${root}tsconfig.build.json` },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: `${root}etc`,
        reportTempFolder: `${root}node_modules/.cache/api`,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => {
      // A changed report is told below, once.
      message.handled = message.category === 'console';
    },
  });
  if (check && apiReportChanged) {
    console.error(
      `etc/${name}.api.md is not the public API of "${name}". Run npm run api, look at the difference, and commit it with the change.`,
    );
  }
  if (!succeeded || (check && apiReportChanged)) process.exitCode = 1;
}
