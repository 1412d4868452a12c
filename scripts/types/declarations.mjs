// Reads the declaration files that tsc emits: which names a module declares, imports and exports.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAst } from 'vitest/node';

/** The module of a declaration file, and of all files that it reaches, by path. */
export function readModules(entry) {
  const modules = new Map();
  const read = (file) => {
    if (modules.has(file)) return;
    const module = readModule(file);
    modules.set(file, module);
    for (const each of [...module.imports.values(), ...module.reexports.map(({ from }) => from)]) read(each);
  };
  read(entry);
  return modules;
}

function readModule(file) {
  const text = readFileSync(file, 'utf8');
  const module = { file, declarations: new Map(), imports: new Map(), reexports: [], globals: [] };
  let end = 0;
  for (const node of parseAst(text, { lang: 'dts' }).body) {
    // Between two statements of a declaration file there are only comments; the last one is about the second.
    const comment = text.slice(Math.max(end, text.lastIndexOf('/**', node.start)), node.start).trim();
    end = node.end;
    addStatement(module, node, { text, comment });
  }
  return module;
}

function addStatement(module, node, { text, comment }) {
  const { file } = module;
  if (node.source) {
    const from = sourceOf(node.source.value, file);
    if (node.type === 'ImportDeclaration')
      for (const name of namesOf(node.specifiers, file)) module.imports.set(name, from);
    else module.reexports.push({ from, names: node.specifiers && namesOf(node.specifiers, file) });
    return;
  }
  const declaration = node.declaration ?? node;
  if (declaration.type === 'ExportNamedDeclaration') return;
  const isExported = node.type === 'ExportNamedDeclaration';
  const code = text.slice(declaration.start, declaration.end);
  if (declaration.kind === 'global' || declaration.global) module.globals.push(code);
  else
    for (const name of declaredNames(declaration, file))
      add(module, name, { declaration, code, comment, isExported, start: declaration.start });
}

/** Overloads have one name. */
function add({ declarations }, name, part) {
  const parts = declarations.get(name) ?? [];
  declarations.set(name, [...parts, { ...part, names: identifiersIn(part.declaration) }]);
}

function declaredNames({ type, id, declarations }, file) {
  if (id) return [id.name];
  if (declarations) return declarations.map((each) => each.id.name);
  throw new Error(`${file}: a declaration of type ${type} cannot be bundled`);
}

/** @throws for a name that is not the same in both modules, which would have to be renamed in the bundle. */
function namesOf(specifiers, file) {
  return specifiers.map((specifier) => {
    const [own, other] = [specifier.imported ?? specifier.exported, specifier.local];
    if (own && own.name === other.name) return own.name;
    throw new Error(`${file}: import or export of ${other.name} under another name cannot be bundled`);
  });
}

function sourceOf(name, file) {
  if (!name.startsWith('.')) throw new Error(`${file}: the published types must not import ${name}`);
  return resolve(file, '..', name.replace(/\.ts$/, '.d.ts'));
}

function identifiersIn(node) {
  const names = new Set();
  const visit = (value) => {
    if (typeof value !== 'object' || value === null) return;
    if (value.type === 'Identifier') names.add(value.name);
    if (value.type === 'TSImportType') throw new Error('import() types cannot be bundled');
    for (const child of Object.values(value)) visit(child);
  };
  visit(node);
  return names;
}
