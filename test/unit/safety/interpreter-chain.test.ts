import { describe, expect, it } from 'vitest';
import type { Executable } from '../../../src/rule/execution/types.ts';
import type { Flag, Pattern, Rule } from '../../../src/rule/types.ts';
import { findChainFault } from '../../../src/safety/interpreter-chain.ts';
import type { Machine } from '../../../src/safety/types.ts';

const head = (text: string): Uint8Array => new TextEncoder().encode(text);
const native = (text = 'native'): Executable => ({ head: head(text), native: true });
const foreign = (text: string): Executable => ({ head: head(text), native: false });
const script = (line: string): Executable => foreign(`#!${line}\n`);
const magic = (text: string): Pattern => ({ type: 'magic', offset: 0, magic: head(text), mask: null });
const extension = (word: string): Pattern => ({ type: 'extension', extension: word });
const rule = (name: string, pattern: Pattern, interpreter: string, ...flags: readonly Flag[]): Rule => ({
  name,
  pattern,
  interpreter,
  flags,
});

function judge(
  one: Rule,
  files: Readonly<Record<string, Executable>>,
  { others = [], entries = others }: { others?: readonly Rule[]; entries?: readonly Rule[] } = {},
) {
  const open: Machine['open'] = (path) => files[path] ?? 'ENOENT';
  return findChainFault(one, others, entries, { natives: [], unproven: [], programs: () => [], open });
}

describe('a rule that matches its own interpreter', () => {
  it.each([
    ['magic and mask', magic('MINE'), '/opt/i'],
    ['extension', extension('foo'), '/opt/i.foo'],
  ])('needs a more specific %s', (what, pattern, interpreter) => {
    expect(judge(rule('t', pattern, interpreter), { [interpreter]: native('MINE') })).toEqual({
      fault: 'would take over its own interpreter',
      hint: `use a more specific ${what} that does not match ${interpreter}`,
    });
  });

  it('is detected behind a script that runs itself', () => {
    const files = { '/opt/self': script('/opt/self') };
    expect(judge(rule('t', magic('MINE'), '/opt/self'), files)).toBeNull();
    expect(judge(rule('t', magic('#!'), '/opt/self'), files)).not.toBeNull();
  });

  it('is checked against the part of a script that the kernel reads', () => {
    const files = { '/opt/i': foreign(`#!${' '.repeat(300)}/opt/a.foo\n`), '/opt/a.foo': native() };
    expect(judge(rule('t', extension('foo'), '/opt/i'), files)).toBeNull();
  });
});

describe('a script with env(1)', () => {
  const t = (pattern: Pattern = magic('HELP')): Rule => rule('t', pattern, '/opt/i');
  const help = native('HELP');
  const env = '/usr/bin/env';

  it.each(['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])(
    'runs the program in %s',
    (directory) => {
      const files = { '/opt/i': script(`${env} tool`), [env]: native(), [`${directory}/tool`]: help };
      expect(judge(t(), files)).toMatchObject({ hint: expect.stringContaining(`${directory}/tool`) });
    },
  );

  it('runs the first of several programs', () => {
    const files = { '/opt/i': script(`${env} tool`), '/usr/bin/tool': native(), '/bin/tool': help };
    expect(judge(t(), files)).toBeNull();
    expect(judge(t(), { ...files, '/usr/local/bin/tool': help })).not.toBeNull();
  });

  it.each([
    ['options and variables before the program', `${env} -S A=1 B=2 tool word`],
    ['the long option', `${env} --split-string=A=1 tool`],
    ['a path', `${env} /sbin/tool`],
  ])('is understood with %s', (_, line) => {
    expect(judge(t(), { '/opt/i': script(line), '/sbin/tool': help })).not.toBeNull();
  });

  it('is checked by name if the program does not exist', () => {
    expect(judge(t(extension('foo')), { '/opt/i': script(`${env} tool.foo`) })).not.toBeNull();
    expect(judge(t(extension('foo')), { '/opt/i': script(`${env} /opt/tool.foo`) })).not.toBeNull();
  });

  it.each([
    ['no program', env],
    ['only a variable', `${env} A=1.foo`],
    ['only an option', `${env} -S`],
    ['another program before it', '/bin/sh tool.foo'],
  ])('is ignored with %s', (_, line) => {
    const files = { '/opt/i': script(line), [env]: native(), '/bin/sh': native() };
    expect(judge(t(extension('foo')), files)).toBeNull();
  });
});

describe('a rule together with others', () => {
  const files = {
    '/opt/i': native(),
    '/opt/b': foreign('BBBB'),
    '/opt/c': foreign('CCCC'),
    '/opt/d': foreign('DDDD'),
    '/opt/i.foo': native(),
  };
  const B = rule('B', magic('BBBB'), '/opt/i');

  it('ignores the entry that it replaces', () => {
    const old = rule('t', magic('OLD'), '/opt/i.foo');
    expect(judge(rule('t', extension('foo'), '/opt/i'), files, { others: [old] })).toBeNull();
    const taking = rule('t', extension('foo'), '/opt/i');
    expect(judge(rule('t', magic('NEW'), '/opt/i.foo'), files, { others: [taking] })).toBeNull();
  });

  it('may have an interpreter that another rule runs; broken entries do not matter', () => {
    const broken = [rule('C', magic('CCCC'), '/opt/d', 'O'), rule('D', magic('DDDD'), '/opt/i')];
    expect(judge(rule('t', magic('TTTT'), '/opt/b'), files, { others: [B, ...broken] })).toBeNull();
    expect(judge(rule('t', magic('TTTT'), '/opt/b'), files, { others: [...broken, B] })).toBeNull();
  });

  it('cannot work if an entry matches its native interpreter', () => {
    const foo = rule('foo', extension('foo'), '/opt/i');
    expect(judge(rule('t', magic('TTTT'), '/opt/i.foo'), files, { others: [B, foo] })).toEqual({
      fault: 'cannot work: entry foo takes over /opt/i.foo, which the rule needs',
      hint: 'choose another interpreter for rule t, or keep only one of t and foo',
    });
  });

  it('may have a missing interpreter that a rule of the same request would match', () => {
    const foo = rule('foo', extension('foo'), '/opt/i');
    expect(
      judge(rule('t', magic('TTTT'), '/opt/later.foo'), files, { others: [foo], entries: [] }),
    ).toBeNull();
  });

  it.each(['O', 'C', 'T'] as const)(
    'with %s cannot pass a file to an interpreter of another entry',
    (flag) => {
      expect(judge(rule('t', magic('TTTT'), '/opt/b', flag), files, { others: [B] })).toEqual({
        fault: 'cannot work: B runs its interpreter, but flag O or C allows no further interpreter',
        hint: 'choose another interpreter for rule t, or keep only one of t and B',
      });
      expect(judge(rule('t', magic('TTTT'), '/opt/b', 'P', 'F'), files, { others: [B] })).toBeNull();
    },
  );

  it('may pass a file to a script with any flag', () => {
    const withScript = { ...files, '/opt/script': script('/opt/i') };
    expect(judge(rule('t', magic('TTTT'), '/opt/script', 'O'), withScript, { others: [B] })).toBeNull();
  });

  it('is refused if another entry can then no longer pass its file on', () => {
    const outer = rule('outer', magic('OUT!'), '/opt/b', 'O');
    expect(judge(B, files, { others: [outer] })).toEqual({
      fault: 'would take over /opt/b, which entry outer runs, but flag O or C allows no further interpreter',
      hint: 'choose another interpreter for rule B, or keep only one of B and outer',
    });
  });

  it.each([['O'], ['O', 'F']] as const)(
    'cannot work if an entry of the chain passes the file on: %s %s',
    (...flags) => {
      const C = rule('C', magic('CCCC'), '/opt/d', ...flags);
      const D = rule('D', magic('DDDD'), '/opt/i');
      const fault = judge(rule('t', magic('TTTT'), '/opt/c'), files, { others: [C, D] })?.fault;
      expect(fault).toMatch(/^cannot work: C, D runs its interpreter/);
    },
  );

  it.each([
    [4, null],
    [5, expect.stringContaining('in a loop with E0, E1')],
    [6, expect.stringContaining('in a loop with E0, E1')],
  ])('with %i entries between its interpreter and a program: %j', (count, fault) => {
    const chain = Array.from({ length: count }, (_, index) => index);
    const steps = Object.fromEntries(chain.map((index) => [`/opt/e${index}`, foreign(`EE${index}!`)]));
    const others = chain.map((index) =>
      rule(`E${index}`, magic(`EE${index}!`), index + 1 < count ? `/opt/e${index + 1}` : '/opt/i'),
    );
    const found = judge(rule('t', magic('TTTT'), '/opt/e0'), { ...files, ...steps }, { others });
    expect(found?.fault ?? null).toEqual(fault);
  });
});
