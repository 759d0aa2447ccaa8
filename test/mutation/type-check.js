// Tells the mutants that the compiler refuses: no test needs to.
import { join } from 'node:path';
import ts from 'typescript';

/** Unused names: a mutant may leave them. */
const UNUSED = new Set([6133, 6138, 6192, 6196, 6198, 6199]);

/** @returns a function that tells whether a file compiles with another text */
export function typeCheck(tree) {
  const { config } = ts.readConfigFile(
    join(tree, 'tsconfig.json'),
    ts.sys.readFile,
  );
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    { ...config, include: ['lib'] },
    ts.sys,
    tree,
  );
  let changed = {};
  let version = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => fileNames,
    getScriptVersion: (file) => (file === changed.file ? `${version}` : '0'),
    getScriptSnapshot: (file) => {
      const text = file === changed.file ? changed.text : ts.sys.readFile(file);
      return text === undefined
        ? undefined
        : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => tree,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  });
  return (name, text) => {
    const file = join(tree, name);
    changed = { file, text };
    version += 1;
    const mistakes = [
      ...service.getSyntacticDiagnostics(file),
      ...service.getSemanticDiagnostics(file),
    ];
    return mistakes.every(({ code }) => UNUSED.has(code));
  };
}
