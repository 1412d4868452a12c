import { describe, expect, it } from 'vitest';
import { type Executable, execute, type Surroundings } from '../../../src/rule/execute.ts';
import { encodeText } from '../../../src/rule/text.ts';
import type { Entry, Flag } from '../../../src/rule/types.ts';

const file = (text: string): Executable => ({ head: encodeText(text), native: text.startsWith('\x7fELF') });
const program = file('\x7fELF');

const entry = (name: string, magic: string, interpreter: string, flags: readonly Flag[] = []): Entry => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: encodeText(magic), mask: null },
  interpreter,
  flags,
  enabled: true,
});

/** Entries in a world of these files. */
function world(entries: readonly Entry[], files: Record<string, Executable | `E${string}`>): Surroundings {
  return { entries, enabled: true, open: (path) => files[path] ?? 'ENOENT', held: () => program };
}

describe('execute', () => {
  it('runs a native program as it is', () => {
    const { rewrites, outcome } = execute('/p', program, ['p', 'a'], world([], {}));
    expect(rewrites).toEqual([]);
    expect(outcome).toEqual({
      kind: 'runs',
      path: '/p',
      argv: ['p', 'a'],
      preservesArgv0: false,
      open: null,
      credentials: '/p',
    });
  });

  it.each<[readonly Flag[], readonly string[]]>([
    [[], ['/i', '/f', 'a']],
    [['P'], ['/i', '/f', 'f', 'a']],
  ])('hands an interpreter with flags %j the arguments %j', (flags, argv) => {
    const around = world([entry('e', 'AB', '/i', flags)], { '/i': program });
    const { rewrites, outcome } = execute('/f', file('AB'), ['f', 'a'], around);
    expect(rewrites).toEqual([{ path: '/f', interpreter: '/i', entry: 'e' }]);
    expect(outcome).toMatchObject({ kind: 'runs', path: '/i', argv, preservesArgv0: flags.includes('P') });
  });

  it('makes an empty argv[0] where there was none', () => {
    const around = world([entry('e', 'AB', '/i', ['P'])], { '/i': program });
    expect(execute('/f', file('AB'), [], around).outcome).toMatchObject({ argv: ['/i', '/f', ''] });
  });

  it('opens the binary with O and takes its credentials with C', () => {
    const around = world([entry('e', 'AB', '/i', ['O', 'C'])], { '/i': program });
    expect(execute('/f', file('AB'), ['f'], around).outcome).toMatchObject({ open: '/f', credentials: '/f' });
  });

  it('opens the interpreter of a script, not the script', () => {
    const around = world([entry('e', 'AB', '/i', ['O', 'C', 'P'])], { '/i': program, '/f': file('AB') });
    const { outcome } = execute('/s', file('#!/f opt arg\n'), ['s', 'x'], around);
    const argv = ['/i', '/f', '/f', 'opt arg', '/s', 'x'];
    expect(outcome).toMatchObject({ argv, open: '/f', credentials: '/f', preservesArgv0: true });
  });

  it('asks entries before `#!`', () => {
    const around = world([entry('e', '#!', '/i')], { '/i': program });
    expect(execute('/s', file('#!/other\n'), ['s'], around).outcome).toMatchObject({ path: '/i' });
  });

  it('allows no rewrite after O: ENOEXEC', () => {
    const around = world([entry('e', 'AB', '/i', ['O'])], { '/i': file('#!/p\n'), '/p': program });
    expect(execute('/f', file('AB'), ['f'], around).outcome).toEqual({ kind: 'fails', errno: 'ENOEXEC' });
  });

  it.each([
    [5, { kind: 'runs' }],
    [6, { kind: 'fails', errno: 'ELOOP' }],
  ])('after %i rewrites gives %j', (count, outcome) => {
    const scripts = Array.from({ length: count }, (_, at): [string, Executable] => [
      `/${at}`,
      at === count - 1 ? program : file(`#!/${at + 1}\n`),
    ]);
    const around = world([], Object.fromEntries(scripts));
    expect(execute('/s', file('#!/0\n'), ['s'], around).outcome).toMatchObject(outcome);
  });

  it('loops where an entry takes its own interpreter, F or not', () => {
    for (const flags of [[], ['F']] as const) {
      const around = world([entry('e', '\x7fELF', '/i', flags)], { '/i': program });
      expect(execute('/f', program, ['f'], around).outcome).toEqual({ kind: 'fails', errno: 'ELOOP' });
    }
  });

  it('gives the errno of an interpreter that cannot be opened, unless F holds it', () => {
    const around = (flags: readonly Flag[]) => world([entry('e', 'AB', '/i', flags)], { '/i': 'EACCES' });
    expect(execute('/f', file('AB'), ['f'], around([])).outcome).toEqual({ kind: 'fails', errno: 'EACCES' });
    expect(execute('/f', file('AB'), ['f'], around(['F'])).outcome).toMatchObject({ kind: 'runs' });
  });

  it('gives ENOEXEC for what nothing takes, and for an instance that is off', () => {
    const entries = [entry('e', 'AB', '/i')];
    const off = { ...world(entries, { '/i': program }), enabled: false };
    expect(execute('/f', file('AB'), ['f'], off).outcome).toEqual({ kind: 'fails', errno: 'ENOEXEC' });
    expect(execute('/f', file('XY'), ['f'], world(entries, {})).outcome).toEqual({
      kind: 'fails',
      errno: 'ENOEXEC',
    });
  });
});
