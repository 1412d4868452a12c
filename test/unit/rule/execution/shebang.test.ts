import { describe, expect, it } from 'vitest';
import { parseShebang } from '../../../../src/rule/execution/shebang.ts';
import { encodeText } from '../../../../src/rule/text.ts';

const parse = (text: string) => parseShebang(encodeText(text).subarray(0, 256));

describe('parseShebang', () => {
  it.each([
    ['#!/bin/sh\n', '/bin/sh', null],
    ['#! /bin/sh\n', '/bin/sh', null],
    ['#!\t/bin/sh \t\nrest', '/bin/sh', null],
    ['#!/bin/sh -e  -x \n', '/bin/sh', '-e  -x'],
    ['#!/bin/sh', '/bin/sh', null],
    ['#!/bin/sh\r\n', '/bin/sh\r', null],
    ['#!/bin/sh\0-e\n', '/bin/sh', null],
    ['#!/bin/sh -e\0x\n', '/bin/sh', '-e'],
  ])('parses %j', (text, interpreter, argument) => {
    expect(parse(text)).toEqual({ interpreter, argument });
  });

  it('returns an empty argument for a blank at the end of a file without newline', () => {
    expect(parse('#!/bin/sh ')).toEqual({ interpreter: '/bin/sh', argument: '' });
  });

  it('returns an empty interpreter if it starts with NUL', () => {
    expect(parse('#!')).toEqual({ interpreter: '', argument: null });
    expect(parse('#! \0/bin/sh\n')).toEqual({ interpreter: '', argument: null });
  });

  it.each(['', '#', '#/bin/sh\n', ' #!/bin/sh\n', '#!\n', '#! \t \n'])(
    'does not treat %j as a script',
    (text) => {
      expect(parse(text)).toBeNull();
    },
  );

  it('rejects an interpreter that may be truncated, but accepts a truncated argument', () => {
    expect(parse(`#!/${'a'.repeat(300)}\n`)).toBeNull();
    expect(parse(`#!/a ${'b'.repeat(300)}\n`)).toEqual({ interpreter: '/a', argument: 'b'.repeat(250) });
    expect(parse(`#!${' '.repeat(300)}`)).toBeNull();
  });
});
