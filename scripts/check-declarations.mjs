// Fails on a type name that is declared more than once, on functions with more than four parameters, and on boolean
// parameters of functions of a module: `f(x, true)` does not say what is true.
//   node scripts/check-declarations.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

const SOURCE = resolve(dirname(fileURLToPath(import.meta.url)), '../src');
const MAX_PARAMETERS = 4;
const TYPES = ['TSInterfaceDeclaration', 'TSTypeAliasDeclaration', 'ClassDeclaration', 'TSEnumDeclaration'];
const FUNCTIONS = ['FunctionDeclaration', 'ArrowFunctionExpression', 'FunctionExpression'];

const files = readdirSync(SOURCE, { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SOURCE, name));
const places = new Map();
const problems = files.flatMap(signatureProblems);
for (const [name, where] of places) {
  if (where.length > 1) problems.push(`type ${name} is declared in ${where.join(', ')}: rename or merge`);
}
for (const problem of problems) console.error(problem);
console.log(`declarations: ${places.size} types, ${problems.length} problems`);
process.exit(problems.length > 0 ? 1 : 0);

/** Collects the file's types in `places`, too. */
function signatureProblems(file) {
  const text = readFileSync(file, 'utf8');
  const where = relative(SOURCE, file);
  const found = [];
  const visit = (node, { isModuleLevel, name }) => {
    if (TYPES.includes(node.type)) places.set(node.id.name, [...(places.get(node.id.name) ?? []), where]);
    if (FUNCTIONS.includes(node.type)) {
      const own = node.id?.name ?? name;
      const at = `${where}:${text.slice(0, node.start).split('\n').length}: ${own ?? 'function'}`;
      const { params } = node;
      if (params.length > MAX_PARAMETERS) found.push(`${at} has ${params.length} parameters, not options`);
      if (isModuleLevel && params.some(isBoolean)) found.push(`${at} has a boolean parameter, not an option`);
    }
    for (const child of childrenOf(node)) visit(child, contextOf(child, node, isModuleLevel));
  };
  const program = parseAst(text, { lang: 'ts' });
  visit(program, { isModuleLevel: true, name: undefined });
  return found;
}

/** Only declarations keep the level: what is within a function or a call, such as a callback, has its signature from elsewhere. */
function contextOf(child, parent, isModuleLevel) {
  const isDeclaration =
    ['Program', 'ExportNamedDeclaration', 'VariableDeclaration'].includes(parent.type) ||
    (parent.type === 'VariableDeclarator' && child === parent.init);
  return { isModuleLevel: isModuleLevel && isDeclaration, name: parent.id?.name };
}

function isBoolean(parameter) {
  const { left = parameter, right } = parameter.type === 'AssignmentPattern' ? parameter : {};
  const type = left.typeAnnotation?.typeAnnotation;
  if (type === undefined || type === null) return typeof right?.value === 'boolean';
  return (type.type === 'TSUnionType' ? type.types : [type]).some(({ type }) => type === 'TSBooleanKeyword');
}

function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value === 'object' && value !== null && typeof value.type === 'string');
}
