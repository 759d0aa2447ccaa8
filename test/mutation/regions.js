// Marks the pieces of a file that can be run or not, so that each test tells which it has run.
import ts from 'typescript';

const K = ts.SyntaxKind;
const JUMPS = new Set([
  K.AmpersandAmpersandToken,
  K.BarBarToken,
  K.QuestionQuestionToken,
]);

const isLoop = (node) =>
  ts.isForStatement(node) ||
  ts.isForOfStatement(node) ||
  ts.isForInStatement(node) ||
  ts.isWhileStatement(node);

/** Of functions and classes the name would be lost, and they have regions of their own. */
const isNamed = (node) =>
  ts.isArrowFunction(node) ||
  ts.isFunctionExpression(node) ||
  ts.isClassExpression(node);

const isDeclaration = (node) =>
  ts.isFunctionDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node);

const hit = (id) => `(globalThis as any).__hit?.(${id})`;

/**
 * @returns the text with its marks, and the regions: `{ id, start, end }`, the file itself first
 */
export function markRegions(file, text, firstId) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const regions = [{ id: firstId, start: 0, end: text.length, whole: true }];
  const marks = [];
  const add = (node) => {
    const region = {
      id: firstId + regions.length,
      start: node.getStart(source),
      end: node.getEnd(),
    };
    regions.push(region);
    return region;
  };
  const mark = (at, after, inserted) => marks.push({ at, after, inserted });

  const statements = (list) => {
    for (const node of list) {
      if (isDeclaration(node)) continue;
      const { id, start } = add(node);
      mark(start, 1, `${hit(id)};`);
    }
  };
  const body = (node) => {
    if (!node || ts.isBlock(node)) return;
    const { id, start, end } = add(node);
    mark(start, 1, `{${hit(id)};`);
    mark(end, 0, '}');
  };
  const value = (node) => {
    if (!node || isNamed(node)) return;
    const { id, start, end } = add(node);
    mark(start, 1, `(${hit(id)}, `);
    mark(end, 0, ')');
  };

  const visit = (node) => {
    if (ts.isTypeNode(node)) return;
    if (ts.isBlock(node) || ts.isCaseOrDefaultClause(node))
      statements(node.statements);
    if (ts.isIfStatement(node)) {
      body(node.thenStatement);
      body(node.elseStatement);
    }
    if (isLoop(node)) body(node.statement);
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) value(node.body);
    if (ts.isConditionalExpression(node)) {
      value(node.whenTrue);
      value(node.whenFalse);
    }
    if (ts.isBinaryExpression(node) && JUMPS.has(node.operatorToken.kind))
      value(node.right);
    if (
      ts.isPropertyDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node)
    )
      value(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(source);

  const ordered = marks
    .map((each, index) => ({ ...each, index }))
    .toSorted((a, b) => a.at - b.at || a.after - b.after || a.index - b.index);
  let marked = '';
  let from = 0;
  for (const { at, inserted } of ordered) {
    marked += text.slice(from, at) + inserted;
    from = at;
  }
  return { text: `${marked}${text.slice(from)}\n${hit(firstId)};\n`, regions };
}

/** The smallest region that a mutant is in. */
export function regionOf(mutant, regions) {
  return regions
    .filter(({ start, end }) => start <= mutant.start && mutant.end <= end)
    .toSorted((a, b) => a.end - a.start - (b.end - b.start))[0];
}
