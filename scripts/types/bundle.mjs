// All declarations that the library's users see, as one file: it is a third of the size of a file for each module.
import { readModules } from './declarations.mjs';

/** The text of a declaration file that exports what the file `entry` exports, and imports nothing. */
export function bundleTypes(entry) {
  const modules = readModules(entry);
  const exported = exportsOf(entry, modules);
  const reached = reachedFrom(exported, modules);
  const texts = [...reached].map(([name, { parts }]) =>
    parts.map((part) => textOf(part, { isExported: exported.has(name) })).join('\n'),
  );
  const globals = [...modules.values()].flatMap((module) => module.globals);
  // Without it every declaration of the file would be exported.
  return [...new Set(globals), ...texts, `export { ${[...exported.keys()].join(', ')} };`, ''].join('\n');
}

/** Types that exported declarations need and that are not exported, so that nobody can name them. */
export function unexportedTypes(entry) {
  const modules = readModules(entry);
  const exported = exportsOf(entry, modules);
  return [...reachedFrom(exported, modules).keys()].filter((name) => !exported.has(name));
}

/** The module that declares each exported name. */
export function exportsOf(file, modules) {
  const module = modules.get(file);
  const found = new Map();
  for (const [name, [{ isExported }]] of module.declarations) if (isExported) found.set(name, module);
  for (const { from, names } of module.reexports) {
    const others = exportsOf(from, modules);
    for (const name of names ?? others.keys()) found.set(name, others.get(name));
  }
  return found;
}

/** What the exported declarations need, by name. @throws if two modules give a name different meanings. */
function reachedFrom(exported, modules) {
  const reached = new Map();
  const reach = (name, module) => {
    const parts = module.declarations.get(name);
    if (parts === undefined) {
      const from = modules.get(module.imports.get(name));
      if (from !== undefined) reach(name, exportsOf(from.file, modules).get(name));
      return;
    }
    const known = reached.get(name);
    if (known === undefined) reached.set(name, { module, parts });
    else if (known.module !== module)
      throw new Error(`${name} is declared in ${known.module.file} and ${module.file}: rename one`);
    else return;
    for (const part of parts) for (const other of part.names) reach(other, module);
  };
  for (const [name, module] of exported) reach(name, module);
  return reached;
}

/** Comments are for readers of the exported declarations only. */
function textOf({ code, comment }, { isExported }) {
  const text = code.startsWith('declare ') || /^(?:interface|type) /.test(code) ? code : `declare ${code}`;
  const indented = text.replaceAll(/^ +/gm, (spaces) => ' '.repeat(spaces.length / 4));
  return isExported ? [...(comment ? [comment] : []), indented].join('\n') : withoutComments(indented);
}

const withoutComments = (text) => text.replaceAll(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, '');
