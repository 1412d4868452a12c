// Prose of Markdown files: telltale wordings, long sentences, headings and links.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HEADING, MARKDOWN_TELLTALES, ONCE, TELLTALES } from './telltales.mjs';

const MAX_WORDS = 25;
/** A cell is read on its own, between two rules. */
const MAX_CELL_WORDS = 30;

/** Problems as `{ line, text }`. */
export function markdownProblems(file) {
  const text = readFileSync(file, 'utf8');
  const links = withoutCode(text.split('\n')).flatMap((line, index) => linkProblems(file, line, index + 1));
  return [...links, ...proseProblems(text)];
}

/** Pure: problems of wording and length in a Markdown text. */
export function proseProblems(text) {
  const blocks = blocksOf(withoutCode(text.split('\n')));
  return [...blocks.flatMap(blockProblems), ...repeatedIn(blocks)];
}

/** What may stand once in a file, from the second time on. */
export function repeatedIn(pieces) {
  const found = pieces.flatMap(({ line, text }) =>
    telltalesIn(text, [ONCE]).map((problem) => ({ line, text: problem })),
  );
  return found.slice(1);
}

/** Wordings to avoid in one piece of prose. */
export function telltalesIn(text, table = TELLTALES) {
  return table.flatMap(([pattern, instead]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`"${found[0].trim()}": ${instead}`];
  });
}

/** Blanks code blocks and comments, so that line numbers stay. */
function withoutCode(lines) {
  let fence = null;
  let isText = true;
  return lines.map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== null || mark !== undefined) {
      if (fence === null) fence = mark;
      else if (mark !== undefined && mark.length >= fence.length) fence = null;
      return '';
    }
    const isCode = /^(?: {4}|\t)/.test(line) && !isText;
    if (line.trim() === '') isText = false;
    else if (!isCode) isText = true;
    return isCode ? '' : line.replaceAll(/<!--.*?-->/g, '');
  });
}

/** Paragraphs, list items, headings and table cells, each with the line it begins on. */
function blocksOf(lines) {
  const blocks = [];
  let open = null;
  for (const [index, line] of lines.entries()) {
    const at = index + 1;
    if (/^\s*\|/.test(line)) {
      open = null;
      if (!/^\s*\|[\s:|-]+\|\s*$/.test(line))
        for (const text of cellsOf(line)) blocks.push({ kind: 'cell', line: at, text });
    } else if (line.trim() === '') open = null;
    else if (line.startsWith('#')) {
      open = null;
      blocks.push({ kind: 'heading', line: at, text: line.replace(/^#+\s*/, '') });
    } else if (open === null || /^\s*(?:[-*+]|\d+\.)\s/.test(line)) {
      open = { kind: 'text', line: at, text: line.replace(/^\s*(?:[-*+]|\d+\.)\s+/, '') };
      blocks.push(open);
    } else open.text += `\n${line.trim()}`;
  }
  return blocks.map((block) => ({ ...block, text: plain(block.text) }));
}

function cellsOf(line) {
  const marked = line.trim().replaceAll('\\|', '\u0000');
  return marked
    .slice(1, -1)
    .split(/\|(?=(?:[^`]*`[^`]*`)*[^`]*$)/)
    .map((cell) => cell.replaceAll('\u0000', '|').trim());
}

/** Inline code becomes one word, a link its text. */
function plain(text) {
  return text
    .replaceAll(/(`+)(?:(?!\1)[\s\S])+\1/g, 'Code')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|__/g, '')
    .replaceAll(/https?:\S+/g, 'Address');
}

function blockProblems({ kind, line, text }) {
  const oneLine = text.replaceAll('\n', ' ');
  const found = [...telltalesIn(oneLine), ...telltalesIn(oneLine, MARKDOWN_TELLTALES)];
  if (kind === 'heading' && HEADING.test(text)) found.push('a heading is a noun or a task');
  if (kind !== 'heading') found.push(...longSentences(text, kind === 'cell' ? MAX_CELL_WORDS : MAX_WORDS));
  return found.map((problem) => ({ line, text: problem }));
}

function longSentences(text, limit) {
  return text
    .split(/(?<=[.!?][)"”]?)(?:\n|\s+(?=["(“]?\p{Lu}|binfmtctl))/u)
    .map((sentence) => ({
      sentence,
      count: sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length,
    }))
    .filter(({ count }) => count > limit)
    .map(
      ({ sentence, count }) => `sentence of ${count} words, at most ${limit}: "${sentence.slice(0, 60)}…"`,
    );
}

function linkProblems(file, text, line) {
  const links = [...text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !resolves(file, target))
    .map((target) => ({ line, text: `link to ${target}, which does not exist` }));
}

function resolves(file, target) {
  const [path, fragment] = target.split('#');
  const there = path === '' ? file : join(dirname(file), path);
  if (!existsSync(there)) return false;
  return fragment === undefined || !there.endsWith('.md') || anchorsOf(there).has(fragment);
}

/** As GitHub makes them of headings. */
function anchorsOf(file) {
  const headings = withoutCode(readFileSync(file, 'utf8').split('\n')).filter((line) => /^#+ /.test(line));
  return new Set(
    headings.map((line) =>
      line
        .replace(/^#+\s*/, '')
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
