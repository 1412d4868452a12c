import { describe, expect, it } from 'vitest';
import { proseProblems } from '../../../scripts/text/markdown.mjs';

const words = (count: number): string => Array(count).fill('word').join(' ');
const linesOf = (text: string): readonly number[] => proseProblems(text).map(({ line }) => line);

describe('the check of prose', () => {
  it('names a wording to avoid, and the plain one', () => {
    expect(proseProblems('# Page\n\nIt takes everything back.')).toEqual([
      { line: 3, text: '"takes everything back": remove, undo, roll back' },
    ]);
  });

  it.each([
    'a code block: ```\nwhoever\n```',
    '```sh\nwhoever\n```',
    'Text.\n\n    whoever\n',
    'The user `nobody` exists.',
    '[a page](whoever.md)',
  ])('ignores code and addresses: %j', (text) => {
    expect(proseProblems(text.replace(/^a code block: /, ''))).toEqual([]);
  });

  it('allows 25 words in a sentence, and 30 in a cell', () => {
    expect(proseProblems(`${words(25)}. ${words(25)}.`.replaceAll('. w', '. W'))).toEqual([]);
    expect(linesOf(`${words(26)}.`)).toEqual([1]);
    expect(linesOf(`| a | b |\n|---|---|\n| ${words(30)} | ${words(31)} |`)).toEqual([3]);
  });

  it('counts inline code as one word, and a wrapped sentence as one sentence', () => {
    expect(proseProblems(`${words(24)} \`a b c d e f\`.`)).toEqual([]);
    expect(linesOf(`${words(13)}\n${words(13)}.`)).toEqual([1]);
    expect(linesOf(`- ${words(13)}\n- ${words(13)}`)).toEqual([]);
  });

  it('requires headings that are nouns or tasks', () => {
    expect(linesOf('# What is in the image\n\n## Contents')).toContain(1);
    expect(proseProblems('# Contents of the image\n\n## Build it')).toEqual([]);
  });

  it('allows "of its own" once', () => {
    expect(linesOf('A file of its own.\n\nA root of its own.')).toEqual([3]);
  });
});
