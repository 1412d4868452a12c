import { describe, expect, it } from 'vitest';
import { execute } from '../../../../src/rule/execution/execute.ts';
import type { Executable, Surroundings } from '../../../../src/rule/execution/types.ts';
import { encodeText } from '../../../../src/rule/text.ts';
import type { AnyEntry, BpfEntry, Entry, Flag } from '../../../../src/rule/types.ts';

const file = (text: string): Executable => ({ head: encodeText(text), native: text.startsWith('\x7fELF') });
const program = file('\x7fELF');

const entry = (name: string, magic: string, interpreter: string, flags: readonly Flag[] = []): Entry => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: encodeText(magic), mask: null },
  interpreter,
  flags,
  enabled: true,
});

/** Entries with the given files. */
function world(entries: readonly AnyEntry[], files: Record<string, Executable | `E${string}`>): Surroundings {
  return { entries, enabled: true, open: (path) => files[path] ?? 'ENOENT', held: () => program };
}

describe('execute', () => {
  it('runs a native program directly', () => {
    const { rewrites, outcome } = execute('/p', program, ['p', 'a'], world([], {}));
    expect(rewrites).toEqual([]);
    expect(outcome).toEqual({
      kind: 'runs',
      path: '/p',
      argv: ['p', 'a'],
      preservesArgv0: false,
      transparent: false,
      open: null,
      credentials: '/p',
      exe: '/p',
      programInterpreter: null,
    });
  });

  it.each<[readonly Flag[], readonly string[]]>([
    [[], ['/i', '/f', 'a']],
    [['P'], ['/i', '/f', 'f', 'a']],
  ])('passes an interpreter with flags %j the arguments %j', (flags, argv) => {
    const around = world([entry('e', 'AB', '/i', flags)], { '/i': program });
    const { rewrites, outcome } = execute('/f', file('AB'), ['f', 'a'], around);
    expect(rewrites).toEqual([{ path: '/f', interpreter: '/i', entry: 'e', transparent: false }]);
    expect(outcome).toMatchObject({ kind: 'runs', path: '/i', argv, preservesArgv0: flags.includes('P') });
  });

  it('adds an empty argv[0] if there is none', () => {
    const around = world([entry('e', 'AB', '/i', ['P'])], { '/i': program });
    expect(execute('/f', file('AB'), [], around).outcome).toMatchObject({ argv: ['/i', '/f', ''] });
  });

  it('opens the binary with O and uses its credentials with C', () => {
    const around = world([entry('e', 'AB', '/i', ['O', 'C'])], { '/i': program });
    expect(execute('/f', file('AB'), ['f'], around).outcome).toMatchObject({ open: '/f', credentials: '/f' });
  });

  it('opens the interpreter of a script, not the script', () => {
    const around = world([entry('e', 'AB', '/i', ['O', 'C', 'P'])], { '/i': program, '/f': file('AB') });
    const { outcome } = execute('/s', file('#!/f opt arg\n'), ['s', 'x'], around);
    const argv = ['/i', '/f', '/f', 'opt arg', '/s', 'x'];
    expect(outcome).toMatchObject({ argv, open: '/f', credentials: '/f', preservesArgv0: true });
  });

  it('tries entries before `#!`', () => {
    const around = world([entry('e', '#!', '/i')], { '/i': program });
    expect(execute('/s', file('#!/other\n'), ['s'], around).outcome).toMatchObject({ path: '/i' });
  });

  it('allows no rewrite after O: ENOEXEC', () => {
    const around = world([entry('e', 'AB', '/i', ['O'])], { '/i': file('#!/p\n'), '/p': program });
    expect(execute('/f', file('AB'), ['f'], around).outcome).toMatchObject({
      kind: 'fails',
      errno: 'ENOEXEC',
    });
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

  it('loops if an entry matches its own interpreter, with or without F', () => {
    for (const flags of [[], ['F']] as const) {
      const around = world([entry('e', '\x7fELF', '/i', flags)], { '/i': program });
      expect(execute('/f', program, ['f'], around).outcome).toMatchObject({ errno: 'ELOOP', why: 'loop' });
    }
  });

  it('returns the errno of an interpreter that cannot be opened, unless F holds it', () => {
    const around = (flags: readonly Flag[]) => world([entry('e', 'AB', '/i', flags)], { '/i': 'EACCES' });
    expect(execute('/f', file('AB'), ['f'], around([])).outcome).toEqual({
      kind: 'fails',
      errno: 'EACCES',
      why: 'interpreter',
      path: '/i',
      entry: 'e',
    });
    expect(execute('/f', file('AB'), ['f'], around(['F'])).outcome).toMatchObject({ kind: 'runs' });
  });

  it('returns ENOEXEC if no format matches, and if the instance is disabled', () => {
    const entries = [entry('e', 'AB', '/i')];
    const off = { ...world(entries, { '/i': program }), enabled: false };
    expect(execute('/f', file('AB'), ['f'], off).outcome).toMatchObject({ kind: 'fails', errno: 'ENOEXEC' });
    expect(execute('/f', file('XY'), ['f'], world(entries, {})).outcome).toEqual({
      kind: 'fails',
      errno: 'ENOEXEC',
      why: 'format',
      path: '/f',
      entry: null,
    });
  });
});

/** A native program of at least 64 bytes with a program interpreter. */
const elf = (programInterpreter: string | null, machine = 62): Executable => {
  const head = new Uint8Array(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head[18] = machine;
  return { head, native: machine === 62, programInterpreter };
};

describe('flag T', () => {
  const transparent = (interpreter: Executable, more: Partial<Surroundings> = {}) => ({
    ...world([entry('e', 'AB', '/i', ['O', 'T'])], { '/i': interpreter, '/p': program }),
    ...more,
  });

  it('keeps the arguments, and /proc/self/exe is the binary', () => {
    const { rewrites, outcome } = execute('/f', file('AB'), ['f', 'a'], transparent(program));
    expect(rewrites).toEqual([{ path: '/f', interpreter: '/i', entry: 'e', transparent: true }]);
    expect(outcome).toEqual({
      kind: 'runs',
      path: '/i',
      argv: ['f', 'a'],
      preservesArgv0: false,
      transparent: true,
      open: '/f',
      credentials: '/i',
      exe: '/f',
      programInterpreter: null,
    });
  });

  it('sets only T in AT_FLAGS if an earlier entry had P', () => {
    const entries = [entry('e', 'AB', '/i', ['O', 'T']), entry('p', 'CD', '/ab', ['P'])];
    const around = world(entries, { '/i': program, '/ab': file('AB') });
    expect(execute('/f', file('CD'), ['f'], around).outcome).toMatchObject({
      argv: ['/ab', '/f', 'f'],
      preservesArgv0: false,
      transparent: true,
      exe: '/ab',
    });
  });

  it('allows no further rewrite: ENOEXEC', () => {
    const { outcome } = execute('/f', file('AB'), ['f'], transparent(file('#!/p\n')));
    expect(outcome).toMatchObject({ errno: 'ENOEXEC', why: 'handed on', path: '/i' });
  });

  it('runs a file from a close-on-exec descriptor, unlike other interpreters and scripts', () => {
    const closed = transparent(program, { closedOnExec: true });
    expect(execute('/f', file('AB'), ['f'], closed).outcome).toMatchObject({ kind: 'runs', exe: '/f' });
    const errno = { errno: 'ENOENT', why: 'closed', path: '/f' };
    expect(execute('/f', file('#!/p\n'), ['f'], closed).outcome).toMatchObject(errno);
    const opaque = { ...closed, entries: [entry('e', 'AB', '/i', ['O', 'C', 'F'])] };
    expect(execute('/f', file('AB'), ['f'], opaque).outcome).toMatchObject(errno);
  });
});

describe('flag L', () => {
  const short: Executable = { head: encodeText('\x7fELF'), native: false };
  const substituting = (
    substitute: Executable | 'ENOENT',
    magic = '\x7fELF',
    flags: readonly Flag[] = ['L'],
  ) => world([entry('e', magic, '/ld', flags)], { '/ld': substitute, '/own': elf(null), '/p': program });

  it('runs the binary itself, with another program interpreter', () => {
    const { rewrites, outcome } = execute('/f', elf('/own'), ['f'], substituting(elf(null)));
    expect(rewrites).toEqual([]);
    expect(outcome).toMatchObject({
      kind: 'runs',
      path: '/f',
      argv: ['f'],
      exe: '/f',
      programInterpreter: { path: '/ld', entry: 'e' },
    });
  });

  it('has no effect on static programs and scripts', () => {
    const around = substituting(elf(null));
    expect(execute('/f', elf(null), ['f'], around).outcome).toMatchObject({ programInterpreter: null });
    const scripts = substituting(elf(null), '#!');
    expect(execute('/s', file('#!/p\n'), ['s'], scripts).outcome).toMatchObject({ argv: ['/p', '/s'] });
  });

  it.each<[string, Executable | 'ENOENT', string]>([
    ['missing', 'ENOENT', 'ENOENT'],
    ['not ELF', { head: new Uint8Array(64), native: false }, 'ELIBBAD'],
    ['for another machine', elf(null, 183), 'ELIBBAD'],
    ['shorter than a header', short, 'EIO'],
  ])('fails if the substitute is %s', (_, substitute, errno) => {
    expect(execute('/f', elf('/own'), ['f'], substituting(substitute)).outcome).toEqual({
      kind: 'fails',
      errno,
      why: 'program interpreter',
      path: '/ld',
      entry: 'e',
    });
  });

  it('uses the file that F holds', () => {
    const around = { ...substituting('ENOENT', '\x7fELF', ['F', 'L']), held: () => elf(null) };
    expect(execute('/f', elf('/own'), ['f'], around).outcome).toMatchObject({ kind: 'runs' });
  });

  it('fails with ENOEXEC if the file is not a native program', () => {
    const outcome = { errno: 'ENOEXEC', why: 'format', path: '/f', entry: 'e' };
    expect(execute('/f', file('AB'), ['f'], substituting(elf(null), 'AB')).outcome).toMatchObject(outcome);
  });
});

describe('a program interpreter', () => {
  it('is also opened without an entry: ENOENT if it is missing', () => {
    const around = world([], { '/own': elf(null) });
    expect(execute('/f', elf('/own'), ['f'], around).outcome).toMatchObject({
      programInterpreter: { path: '/own', entry: null },
    });
    expect(execute('/f', elf('/gone'), ['f'], around).outcome).toMatchObject({
      errno: 'ENOENT',
      why: 'program interpreter',
      path: '/gone',
    });
  });
});

describe('a BPF handler', () => {
  const handler: BpfEntry = { name: 'b', handler: 'h', interpreters: [], flags: [], enabled: true };

  it('makes only the files that reach it undecided', () => {
    const files = { '/i': program };
    const ask = (...entries: AnyEntry[]) => execute('/f', file('AB'), ['f'], world(entries, files)).outcome;
    const undecided = { kind: 'undecided', path: '/f', entry: 'b', handler: 'h' };
    expect(ask(handler, entry('e', 'AB', '/i'))).toEqual(undecided);
    expect(ask(entry('e', 'CD', '/i'), handler)).toEqual(undecided);
    // The interpreter also reaches it.
    expect(ask(entry('e', 'AB', '/i'), handler)).toEqual({ ...undecided, path: '/i' });
    expect(ask({ ...handler, enabled: false }, entry('e', 'AB', '/i'))).toMatchObject({ kind: 'runs' });
  });
});
