// Comments and strings of sources, for wordings to avoid. Spelling is cspell's.
import { readFileSync } from 'node:fs';
import { parseAst } from 'vitest/node';
import { repeatedIn, telltalesIn } from './markdown.mjs';

/** Problems as `{ line, text }`. */
export function sourceProblems(file) {
  const text = readFileSync(file, 'utf8');
  const pieces = /\.m?[tj]s$/.test(file) ? piecesOfScript(file, text) : commentsOfLines(text);
  const prose = pieces.map(({ start, text: piece }) => ({
    line: text.slice(0, start).split('\n').length,
    text: piece.replaceAll(/`[^`]*`/g, 'Code'),
  }));
  const found = prose.flatMap(({ line, text }) =>
    telltalesIn(text).map((problem) => ({ line, text: problem })),
  );
  return [...found, ...repeatedIn(prose)];
}

/** Strings of more than one word, and comments: what is left of `//` and `/*` once literals are blanked. */
function piecesOfScript(file, text) {
  const literals = literalsOf(parseAst(text, { lang: /\.d\.m?ts$/.test(file) ? 'dts' : 'ts' }));
  let rest = text;
  for (const { start, end } of literals)
    rest = rest.slice(0, start) + ' '.repeat(end - start) + rest.slice(end);
  const comments = [...rest.matchAll(/(?:^[ \t]*\/\/.*\n?)+|\/\/.*|\/\*[\s\S]*?\*\//gm)];
  return [
    ...comments.map(({ index, 0: comment }) => ({
      start: index,
      text: comment.replaceAll(/^\s*(?:\/\/|\/\*\*?|\*\/?)|\*\/$/gm, '').replaceAll(/\s+/g, ' '),
    })),
    ...literals.filter(({ isText, text }) => isText && / /.test(text.trim())),
  ];
}

function literalsOf(node) {
  if (node.type === 'Literal')
    return [{ ...spanOf(node), isText: typeof node.value === 'string', text: `${node.value}` }];
  if (node.type === 'TemplateElement')
    return [{ ...spanOf(node), isText: true, text: node.value.cooked ?? '' }];
  return childrenOf(node).flatMap(literalsOf);
}

function spanOf({ start, end }) {
  return { start, end };
}

function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value === 'object' && value !== null && typeof value.type === 'string');
}

/** YAML, Dockerfiles and shell scripts: each line after `#`, and values of YAML with blanks in them. */
function commentsOfLines(text) {
  return [...text.matchAll(/(?<=^|\s)#.*|^\s*(?:- )?[a-zA-Z]+: +\S+ .*$/gm)].map(({ index, 0: line }) => ({
    start: index,
    text: line,
  }));
}
