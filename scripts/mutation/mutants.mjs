// Creates all mutants of a TypeScript file in one text. Each is one small change, which `mutant(N)` enables.
import { parseSync } from 'vite';

/** Returns the text of a node with each child replaced by `print(child, node)`. */
export function withChildren(node, text, print) {
  let result = '';
  let at = node.start;
  for (const child of childrenOf(node)) {
    result += text.slice(at, child.start) + print(child, node);
    at = child.end;
  }
  return result + text.slice(at, node.end);
}

/** Returns the text with all mutants, and a list of their changes. Their ids start at `first`. */
export function mutate(path, text, first) {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const mutants = [];
  const source = ({ start, end }) => text.slice(start, end);
  const add = (node, replacement) => {
    const line = text.slice(0, node.start).split('\n').length;
    mutants.push({ id: first + mutants.length, path, line, original: source(node), replacement });
    return mutants.at(-1).id;
  };

  const inside = (node) => withChildren(node, text, print);

  const print = (node, parent) => {
    if (node.type === 'ExpressionStatement') {
      if (node.directive !== undefined) return source(node);
      return `if (!mutant(${add(node, ';')})) { ${inside(node)} }`;
    }
    if (node.type === 'BlockStatement') {
      if (node.body.length === 0) return source(node);
      const id = add(node, '{}');
      const body = inside(node);
      return /Function/.test(parent.type)
        ? `{ if (mutant(${id})) return; ${body.slice(1)}`
        : `{ if (!mutant(${id})) ${body} }`;
    }
    const changes = [...new Set(replacementsOf(node, parent, source))].filter(
      (each) => each !== source(node),
    );
    const choices = changes.map((change) => `mutant(${add(node, change)}) ? (${change}) : `);
    const body = inside(node);
    return choices.length === 0 ? body : `(${choices.join('')}(${body}))`;
  };
  return { text: inside(program), mutants };
}

/** Returns the children that are code, in order, without types and names. */
export function childrenOf(node) {
  const skipped = SKIPPED[node.type] ?? [];
  const isCode = ({ type }) => !type.startsWith('TS') || TS_CODE.includes(type);
  return Object.entries(node)
    .filter(([key]) => !NO_CODE.includes(key) && (node.computed === true || !skipped.includes(key)))
    .flatMap(([, value]) => value)
    .filter((value) => typeof value?.type === 'string' && isCode(value) && value.type !== 'ImportDeclaration')
    .sort((a, b) => a.start - b.start);
}

const NO_CODE = [
  'hashbang',
  'typeAnnotation',
  'returnType',
  'typeParameters',
  'typeArguments',
  'id',
  'params',
  'label',
];
const TS_CODE = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression'];
/** Names, targets of assignments, and parts of a template. */
const SKIPPED = {
  MemberExpression: ['property'],
  Property: ['key'],
  AssignmentExpression: ['left'],
  UpdateExpression: ['argument'],
  ForOfStatement: ['left'],
  ExportNamedDeclaration: ['specifiers', 'source'],
  ExportAllDeclaration: ['source'],
  ImportExpression: ['source'],
  TemplateLiteral: ['quasis'],
};

const SWAPPED = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '|=': ['&='],
  '&=': ['|='],
  '++': ['--'],
  '--': ['++'],
};
/** Operators with a boolean result. */
const DECIDING = ['===', '!==', '<', '<=', '>', '>=', '&&', '||'];
const PAIRS = [
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['find', 'findLast'],
  ['findIndex', 'findLastIndex'],
  ['indexOf', 'lastIndexOf'],
  ['toUpperCase', 'toLowerCase'],
  ['min', 'max'],
];
const METHODS = new Map([...PAIRS, ...PAIRS.map((pair) => pair.toReversed())]);
/** Calls to remove: the mutant is the object of the call. */
const DROPPED = ['filter', 'slice', 'subarray', 'toSorted', 'toReversed', 'trim', 'sort', 'reverse'];
/** Loops are only removed: an endless loop proves nothing. */
const LOOPS = ['WhileStatement', 'DoWhileStatement', 'ForStatement'];
const BRANCHES = ['IfStatement', 'ConditionalExpression'];

function replacementsOf(node, parent, source) {
  const isTest = parent.test === node && parent.type !== 'SwitchCase';
  const decides =
    DECIDING.includes(node.operator) || (node.operator === '!' && node.type === 'UnaryExpression');
  // `false` in an && makes the whole && false, which another mutant does already; likewise `true` in an ||.
  const results = { '&&': ['true'], '||': ['false'] }[parent.operator] ?? ['true', 'false'];
  const isArrow = parent.type === 'ArrowFunctionExpression' && parent.body === node;
  return [
    ...ownReplacements(node, parent, source),
    ...(isTest && BRANCHES.includes(parent.type) ? ['true', 'false'] : []),
    ...(isTest && LOOPS.includes(parent.type) ? ['false'] : []),
    ...(decides && !isTest ? results : []),
    ...(isArrow && !decides ? ['undefined'] : []),
  ];
}

function ownReplacements(node, parent, source) {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const { left, operator, right } = node;
      if (operator === '+' && [left, right].some(isString)) return [];
      return (SWAPPED[operator] ?? []).map((other) => `(${source(left)}) ${other} (${source(right)})`);
    }
    case 'AssignmentExpression':
      return (SWAPPED[node.operator] ?? []).map(
        (other) => `${source(node.left)} ${other} ${source(node.right)}`,
      );
    case 'UpdateExpression':
      return [source(node).replace(node.operator, SWAPPED[node.operator][0])];
    case 'UnaryExpression':
      return ['-', '!', '~'].includes(node.operator) ? [source(node.argument)] : [];
    case 'Literal':
      return literal(node);
    case 'TemplateLiteral':
      return isProse(node) ? [] : ["''"];
    case 'ArrayExpression':
      return node.elements.length > 0 ? ['[]'] : [];
    case 'ObjectExpression':
      return node.properties.length > 0 ? ['{}'] : [];
    case 'ChainExpression':
      return call(node.expression, source);
    case 'CallExpression':
      return isLink(node, parent) ? [] : call(node, source);
    default:
      return [];
  }
}

/** Whether a node is part of an optional chain, which a change would break. */
const isLink = (node, parent) =>
  parent.type === 'ChainExpression' ||
  (parent.type === 'MemberExpression' && parent.object === node && hasOptional(node));
const hasOptional = (node) =>
  node !== undefined && (node.optional === true || hasOptional(node.callee ?? node.object ?? undefined));

function call(node, source) {
  const { callee } = node;
  if (node.type !== 'CallExpression' || callee.type !== 'MemberExpression' || callee.computed) return [];
  const { object, property } = callee;
  const other = METHODS.get(property.name);
  const renamed =
    source({ start: node.start, end: property.start }) +
    other +
    source({ start: property.end, end: node.end });
  return [
    ...(other === undefined ? [] : [renamed]),
    ...(DROPPED.includes(property.name) ? [source(object)] : []),
  ];
}

function literal({ value }) {
  if (typeof value === 'boolean') return [`${!value}`];
  if (typeof value === 'number') return [`${value + 1}`];
  if (typeof value !== 'string' || isProse({ value })) return [];
  return [value === '' ? "'mutated'" : "''"];
}

const isString = ({ type, value }) =>
  type === 'TemplateLiteral' || (type === 'Literal' && typeof value === 'string');

/** Tests do not check every word of a message. */
const isProse = ({ value, quasis = [] }) =>
  / /.test(value ?? quasis.map((each) => each.value.cooked).join(''));
