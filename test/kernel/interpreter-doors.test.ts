/** Interpreters that cannot run, or that other users can change: refused with flags C and F, a warning without them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { entries, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const store = ['--store', at('store')];

beforeAll(() => {
  for (const name of ['fit', 'writable', 'setuid', 'users', 'plain', 'open/program', 'link/program']) {
    mkdirSync(join(at(name), '..'), { recursive: true });
    copyFileSync('/bin/true', at(name));
    chmodSync(at(name), 0o755);
  }
  chmodSync(at('writable'), 0o777);
  chmodSync(at('open'), 0o777);
  chmodSync(at('setuid'), 0o4755);
  chmodSync(at('plain'), 0o644);
  chownSync(at('users'), 1000, 1000);
  mkdirSync(at('directory'));
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync(at('open/program'), at('to-open'));
  writeFileSync(at('script'), `#!${at('writable')}\n`, { mode: 0o755 });
});
afterEach(() => {
  removeAllEntries();
  for (const name of ['admin', 'import']) rmSync(at(name), { recursive: true, force: true });
});

/** Interpreters that other users can change. */
const UNTRUSTED = [
  ['a relative path', 'relative/program', /is a relative path/],
  ['a file that others can write', at('writable'), /can be written by others/],
  ['a file in a directory that others can write', at('open/program'), /open can be written by others/],
  ['a link to such a file', at('to-open'), /open can be written by others/],
  ['a file of another user', at('users'), /belongs to user 1000/],
  ['a set-user-ID program', at('setuid'), /is set-user-ID/],
  ['a script whose interpreter others can write', at('script'), /the interpreter of .*can be written by/],
] as const;

/** Interpreters that cannot run. */
const UNFIT = [
  ['a missing file', at('missing'), /does not exist/],
  ['a directory', at('directory'), /is a directory/],
  ['a named pipe', at('pipe'), /is a named pipe/],
  ['a device', '/dev/zero', /is a device/],
  ['a file that is not executable', at('plain'), /is not executable/],
] as const;

type Register = (interpreter: string, flags: string) => ReturnType<typeof binfmtctl>;

function registerLine(words: readonly string[]): Register {
  return (interpreter, flags) => {
    writeFileSync(at('rules.conf'), `:unfit:E::zzq::${interpreter}:${flags}\n`);
    return binfmtctl([...words, at('rules.conf')]);
  };
}

const importRule = registerLine(['import', ...store]);

const DROP_INS: readonly (readonly [string, Register])[] = [
  ['systemd-binfmt', registerLine(['systemd-binfmt'])],
  [
    'update-binfmts',
    (interpreter, flags) => {
      for (const name of ['admin', 'import']) mkdirSync(at(name));
      return binfmtctl([
        ...['update-binfmts', '--admindir', at('admin'), '--importdir', at('import')],
        ...['--install', 'unfit', interpreter, '--extension', 'zzq'],
        ...(flags.includes('F') ? ['--fix-binary', 'yes'] : []),
        ...(flags.includes('C') ? ['--credentials', 'yes'] : []),
      ]);
    },
  ],
];

describe('import', () => {
  it.each([...UNTRUSTED, ...UNFIT])(
    'refuses with flag C or F, and otherwise warns about %s',
    async (...row) => {
      const [, interpreter, why] = row;
      for (const flag of ['C', 'F']) {
        const ran = await importRule(interpreter, flag);
        expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(why) });
        expect(ran.stderr).toContain(`cannot register unfit with flag ${flag}: `);
      }
      expect(entries()).toEqual({});
      expect(await importRule(interpreter, '')).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(why),
      });
      expect(Object.keys(entries())).toEqual(['unfit']);
    },
  );

  it('accepts with flags C and F a program that only root can change', async () => {
    expect(await importRule(at('fit'), 'CF')).toMatchObject({
      status: 0,
      stderr: expect.not.stringContaining('warning'),
    });
    expect(Object.keys(entries())).toEqual(['unfit']);
  });
});

describe.each(DROP_INS)('%s', (_, register) => {
  it.each(UNTRUSTED)('skips, with a warning and status 0, %s with flag C', async (...row) => {
    const [, interpreter, why] = row;
    const ran = await register(interpreter, 'C');
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(why) });
    expect(entries()).toEqual({});
  });

  it.each(UNTRUSTED.slice(1, 3))('skips %s with flag F', async (...row) => {
    const ran = await register(row[1], 'F');
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(row[2]) });
    expect(entries()).toEqual({});
  });

  it.each(UNTRUSTED)('registers without these flags, with a warning, %s', async (...row) => {
    const [, interpreter, why] = row;
    const ran = await register(interpreter, '');
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(why) });
    expect(Object.keys(entries())).toEqual(['unfit']);
  });

  it('accepts with flags C and F a program that only root can change', async () => {
    expect(await register(at('fit'), 'CF')).toMatchObject({ status: 0, stderr: '' });
    expect(Object.keys(entries())).toEqual(['unfit']);
  });
});
