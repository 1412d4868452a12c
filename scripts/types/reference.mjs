// The library's reference as Markdown, from its declarations and their docstrings.
import { exportsOf, unexportedTypes } from './bundle.mjs';
import { readModules } from './declarations.mjs';

const WIDTH = 100;

/** The text for the declaration file `entry`. @throws if an export has no docstring, or needs a type that is not exported. */
export function writeReference(entry) {
  const modules = readModules(entry);
  const exported = [...exportsOf(entry, modules)].map(([name, module]) => ({
    name,
    parts: module.declarations.get(name),
  }));
  const problems = [
    ...unexportedTypes(entry).map((name) => `type ${name} is not exported`),
    ...exported
      .filter(({ parts }) => parts.every(({ comment }) => comment === ''))
      .map(({ name }) => `${name} has no docstring`),
  ];
  if (problems.length > 0) throw new Error(`src/index.ts: ${problems.join('; ')}`);
  const of = (...kinds) => exported.filter(({ parts }) => kinds.includes(parts[0].declaration.type));
  const functions = of('TSDeclareFunction', 'FunctionDeclaration');
  const values = of('ClassDeclaration', 'VariableDeclaration');
  const types = of('TSInterfaceDeclaration', 'TSTypeAliasDeclaration');
  const isOptions = ({ name }) => /^(?!Error|Format|Subprocess)\w+Options$/.test(name);
  const sections = [
    ['Functions', sorted(functions).map(functionText)],
    ['Options', sorted(types.filter(isOptions)).map(optionsText)],
    ['Errors and constants', sorted(values).map(typeText)],
    ['Types', sorted(types.filter((each) => !isOptions(each))).map(typeText)],
  ];
  return sections.map(([title, texts]) => `### ${title}\n\n${texts.join('\n')}`).join('\n');
}

const sorted = (exported) => exported.toSorted((a, b) => (a.name < b.name ? -1 : 1));

function functionText({ name, parts }) {
  const { text, tags } = docOf(parts[0].comment);
  const signatures = parts.map(({ code }) => code.replace(/^(?:export )?(?:declare )?function /, ''));
  const params = tags.filter(({ tag }) => tag === 'param');
  const throws = tags.filter(({ tag }) => tag === 'throws');
  return [
    `#### ${name}\n`,
    `${fenced(signatures.join('\n'))}`,
    wrapped(text),
    ...(params.length === 0 ? [] : [`${params.map(paramText).join('\n')}\n`]),
    ...throws.map(({ text: each }) => wrapped(`Errors: ${each}`)),
  ].join('\n');
}

const paramText = ({ text }) => wrapped(`- ${text.replace(/^(\w+) /, '`$1`: ')}`).trimEnd();

function optionsText({ name, parts: [{ comment, declaration, code, start }] }) {
  const base = declaration.extends.map((each) => code.slice(each.start - start, each.end - start));
  const rows = declaration.body.body.map((member, index, all) => {
    const from = index === 0 ? declaration.body.start + 1 : all[index - 1].end;
    const { text } = docOf(code.slice(from - start, member.start - start).trim());
    const type = member.typeAnnotation.typeAnnotation;
    const typeText = code.slice(type.start - start, type.end - start).replace(/ \| undefined$/, '');
    const [, about, standard = ''] = /^(.*?)(?: Default: (.*?)\.?)?$/s.exec(text);
    const fallback = member.optional ? standard : 'required';
    return row([`\`${member.key.name}\``, `\`${typeText}\``, about, fallback]);
  });
  const extended =
    base.length === 0 ? [] : [`Also takes those of ${base.map((each) => `\`${each}\``).join(', ')}.\n`];
  return [
    `#### ${name}\n`,
    wrapped(docOf(comment).text),
    ...extended,
    row(['option', 'type', 'meaning', 'default']),
    row(['---', '---', '---', '---']),
    ...rows,
    '',
  ].join('\n');
}

function typeText({ name, parts }) {
  const { text, tags } = docOf(parts[0].comment);
  const code = parts.map((part) => part.code.replace(/^(?:export )?(?:declare )?/, '')).join('\n');
  const throws = tags.filter(({ tag }) => tag === 'throws');
  return [
    `#### ${name}\n`,
    wrapped([text, ...throws.map((each) => `Errors: ${each.text}`)].join('\n\n')),
    fenced(code.replaceAll(/^ +/gm, (spaces) => ' '.repeat(spaces.length / 2)).replaceAll('readonly ', '')),
  ].join('\n');
}

const row = (cells) =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`;
const fenced = (code) => `\`\`\`ts\n${code}\n\`\`\`\n`;

/** The text of a docstring, with its paragraphs, and its tags. */
function docOf(comment) {
  const lines = comment
    .replaceAll(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim());
  const [text, ...tags] = lines.join('\n').split(/(?:^|\s)@(?=[a-z])/);
  return {
    text: text.trim(),
    tags: tags.map((each) => {
      const [, tag, rest] = /^(\w+)\s*(.*)$/s.exec(each);
      return { tag, text: rest.trim().replaceAll(/\s+/g, ' ') };
    }),
  };
}

/** Paragraphs, wrapped. */
function wrapped(text) {
  if (text === '') return '';
  const paragraphs = text.split(/\n\s*\n/).map((paragraph) => {
    const indent = paragraph.startsWith('- ') ? '  ' : '';
    const lines = [''];
    for (const word of paragraph.match(/(?:`[^`]*`|\S)+/g) ?? []) {
      const line = lines.at(-1);
      if (line !== '' && line.length + word.length >= WIDTH) lines.push(`${indent}${word}`);
      else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    }
    return lines.join('\n');
  });
  return `${paragraphs.join('\n\n')}\n`;
}
