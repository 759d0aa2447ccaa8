// The mutants of a file: each replaces one piece of its text.
import { createHash } from 'node:crypto';
import ts from 'typescript';

const K = ts.SyntaxKind;

const OPERATORS = new Map([
  [K.LessThanToken, ['<=', '>=']],
  [K.LessThanEqualsToken, ['<', '>']],
  [K.GreaterThanToken, ['>=', '<=']],
  [K.GreaterThanEqualsToken, ['>', '<']],
  [K.EqualsEqualsEqualsToken, ['!==']],
  [K.ExclamationEqualsEqualsToken, ['===']],
  [K.PlusToken, ['-']],
  [K.MinusToken, ['+']],
  [K.AsteriskToken, ['/']],
  [K.SlashToken, ['*']],
  [K.PercentToken, ['*']],
  [K.AsteriskAsteriskToken, ['*']],
  [K.GreaterThanGreaterThanToken, ['<<']],
  [K.PlusEqualsToken, ['-=', '=']],
  [K.MinusEqualsToken, ['+=', '=']],
  [K.QuestionQuestionEqualsToken, ['=']],
  [K.BarBarEqualsToken, ['=']],
  [K.AmpersandAmpersandToken, ['||']],
  [K.BarBarToken, ['&&', '??']],
  [K.QuestionQuestionToken, ['||']],
]);
const LOGICAL = new Set([
  K.AmpersandAmpersandToken,
  K.BarBarToken,
  K.QuestionQuestionToken,
]);
const METHODS = new Map(
  [
    ['every', 'some'],
    ['startsWith', 'endsWith'],
    ['min', 'max'],
    ['ceil', 'floor'],
    ['toLowerCase', 'toUpperCase'],
    ['indexOf', 'lastIndexOf'],
    ['all', 'allSettled'],
  ].flatMap(([one, other]) => [
    [one, other],
    [other, one],
  ]),
);
/** Without them an expression is of the same type. */
const DISPENSABLE = new Set(
  'trim trimEnd slice subarray filter sort toSorted reverse replace replaceAll flat toLowerCase toUpperCase pipe unref'.split(
    ' ',
  ),
);

const isLogical = (node) =>
  ts.isBinaryExpression(node) && LOGICAL.has(node.operatorToken.kind);

const isSuper = (node) =>
  ts.isCallExpression(node) && node.expression.kind === K.SuperKeyword;

/** What says nothing at run time, or nothing that a test should check. */
const isSkipped = (node) =>
  ts.isTypeNode(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node);

/** @returns `{ operator, start, end, original, replacement, key }` of each, in the order of the text */
export function mutantsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found = new Map();

  const put = (operator, node, replacement) => {
    const [start, end] = [node.getStart(source), node.getEnd()];
    const original = text.slice(start, end);
    if (original === replacement) return;
    found.set(`${start} ${end} ${replacement}`, {
      ...{ file, operator, start, end, original, replacement },
      line: source.getLineAndCharacterOfPosition(start).line + 1,
    });
  };
  const drop = (operator, list) => {
    for (const [index, node] of list.entries()) {
      const [before, after] = [list[index - 1], list[index + 1]];
      const start = after || !before ? node.getStart(source) : before.getEnd();
      put(
        operator,
        {
          getStart: () => start,
          getEnd: () => after?.getStart(source) ?? list.end,
        },
        '',
      );
    }
  };

  const statement = (node) => {
    if (ts.isExpressionStatement(node) && !isSuper(node.expression))
      put('statement', node, ';');
    if (ts.isThrowStatement(node)) put('throw', node, ';');
    if (ts.isContinueStatement(node) || ts.isBreakStatement(node))
      put('jump', node, ';');
    if (ts.isReturnStatement(node)) {
      put('return', node, node.expression ? 'return;' : ';');
    }
    if (ts.isIfStatement(node)) {
      put('condition', node.expression, 'true');
      put('condition', node.expression, 'false');
    }
    if (ts.isWhileStatement(node)) put('condition', node.expression, 'false');
    if (ts.isForStatement(node) && node.condition)
      put('condition', node.condition, 'false');
    if (ts.isForOfStatement(node)) put('loop', node.expression, '[]');
    if (ts.isTryStatement(node) && node.finallyBlock)
      put('finally', node.finallyBlock, '{}');
  };

  const binary = (node) => {
    const { left, right, operatorToken } = node;
    const [a, b] = [left, right].map((operand) =>
      isLogical(operand)
        ? `(${operand.getText(source)})`
        : operand.getText(source),
    );
    const logical = isLogical(node);
    for (const other of OPERATORS.get(operatorToken.kind) ?? [])
      put(
        logical ? 'logic' : 'operator',
        logical ? node : operatorToken,
        logical ? `(${a} ${other} ${b})` : other,
      );
    if (logical) {
      put('logic', node, a);
      put('logic', node, b);
    }
  };

  const call = (node) => {
    const { expression: callee, arguments: args } = node;
    if (!ts.isPropertyAccessExpression(callee)) return;
    const name = callee.name.text;
    if (METHODS.has(name)) put('method', callee.name, METHODS.get(name));
    if (DISPENSABLE.has(name))
      put('method', node, callee.expression.getText(source));
    if (name === 'pipe' && args.length > 1) drop('pipe', args);
  };

  const literal = (node) => {
    if (!node.parent) return;
    if (node.kind === K.TrueKeyword) put('literal', node, 'false');
    if (node.kind === K.FalseKeyword) put('literal', node, 'true');
    if (ts.isNumericLiteral(node)) {
      put('literal', node, node.text === '0' ? '1' : '0');
      put('literal', node, `${Number(node.text) + 1}`);
    }
    const isName =
      ts.isLiteralTypeNode(node.parent) || node.parent.name === node;
    if (ts.isStringLiteral(node) && !isName)
      put('literal', node, node.text === '' ? `'mutant'` : `''`);
    if (
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateExpression(node)
    )
      put('literal', node, '``');
    if (ts.isRegularExpressionLiteral(node)) pattern(node);
  };

  const pattern = (node) => {
    const [, body, flags] = /^\/(.*)\/(\w*)$/s.exec(node.text);
    const variants = [
      [body.replace(/^\^/, ''), flags],
      [body.replace(/\$$/, ''), flags],
      [body.replace(/\+(?=$|[^?])/, '*'), flags],
      [body.replace(/\{(\d+),?\d*\}/, '+'), flags],
      [body.replace(/\\d/, '\\D'), flags],
      [body, flags.replace(/[gi]/, '')],
    ];
    for (const [changed, flagged] of variants)
      if (changed) put('pattern', node, `/${changed}/${flagged}`);
  };

  const expression = (node) => {
    if (ts.isBinaryExpression(node)) binary(node);
    if (ts.isCallExpression(node)) call(node);
    if (ts.isConditionalExpression(node)) {
      put('condition', node.condition, 'true');
      put('condition', node.condition, 'false');
    }
    if (ts.isPrefixUnaryExpression(node)) {
      const operand = node.operand.getText(source);
      if (node.operator === K.ExclamationToken) put('operator', node, operand);
      if (node.operator === K.MinusToken) put('operator', node, operand);
      if (node.operator === K.PlusPlusToken)
        put('operator', node, `--${operand}`);
    }
    if (ts.isPostfixUnaryExpression(node)) {
      const other = node.operator === K.PlusPlusToken ? '--' : '++';
      put('operator', node, node.operand.getText(source) + other);
    }
    if (ts.isAwaitExpression(node))
      put('await', node, node.expression.getText(source));
    if (node.questionDotToken && ts.isPropertyAccessExpression(node))
      put('chain', node.questionDotToken, '.');
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 0)
      drop('element', node.elements);
    if (ts.isObjectLiteralExpression(node) && node.properties.length > 0)
      drop('property', node.properties);
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body))
      put('return', node.body, 'undefined');
  };

  const visit = (node) => {
    if (isSkipped(node)) return;
    statement(node);
    expression(node);
    literal(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return keyed([...found.values()], text);
}

/** What a mutant is known by where code moves: its own text and its line's, not its file and place. */
function keyed(mutants, text) {
  const lines = text.split('\n');
  const seen = new Map();
  return mutants.map((mutant) => {
    const { operator, original, replacement, line } = mutant;
    const name = [operator, original, replacement, lines[line - 1].trim()];
    const base = name.join('\0');
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return { ...mutant, key: `${base}\0${count}` };
  });
}

/** The text with a mutant in it. */
export function apply({ start, end, replacement }, text) {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Shuffles by a seed: a mutant's place depends on nothing but its key, so that samples before and after a change are much alike. */
export function shuffle(mutants, seed) {
  return mutants
    .map((mutant) => ({
      mutant,
      rank: createHash('sha256').update(`${seed}\0${mutant.key}`).digest('hex'),
    }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant);
}
