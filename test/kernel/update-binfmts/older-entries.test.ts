/** Files that a detector refuses and an older entry of another program matches. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { binfmtctl, inShell } from '../support/command.ts';
import { registerForeign } from '../support/machine.ts';
import { startWork } from '../support/work.ts';

const { at } = startWork();
const program = (name: string, text: string): string => {
  writeFileSync(at(name), text, { mode: 0o755 });
  return at(name);
};
const SHOW = '#!/bin/sh\nprintf "<%s>" "$(basename "$0")" "$@"\n';
/** Accepts files with a name that begins with m. */
const DETECTOR = '#!/bin/sh\ncase $(basename "$1") in m*) ;; *) exit 1 ;; esac\n';
const updateBinfmts = (...words: readonly string[]) =>
  binfmtctl(['update-binfmts', '--admindir', at('admin'), '--importdir', at('formats'), ...words]);
/** Starts a file like the kernel, with its own argv[0]. Then run-detectors has no option for the admin directory. */
const start = (name: string) =>
  binfmtctl(['run', '--', 'bash', '-c', `exec -a called ${at(name)} "a b" -x`], {
    within: inShell(
      `mount -t tmpfs none /var/lib && mkdir /var/lib/binfmts && mount --bind ${at('admin')} /var/lib/binfmts`,
    ),
  });

function putFormat(...more: readonly string[]): void {
  const lines = ['package mono', `interpreter ${program('mono', SHOW)}`, 'magic MZ', ...more];
  writeFileSync(at('formats/cli'), `${lines.join('\n')}\n`);
}

beforeEach(() => {
  for (const name of ['admin', 'formats']) mkdirSync(at(name));
  for (const name of ['other.exe', 'managed.exe']) program(name, 'MZ\0');
});

const takes = `update-binfmts: warning: format cli takes precedence over the older entry WSLInterop`;

describe.each([
  ['without flag P', '', 'no', '<a b><-x>', '<a b><-x>'],
  ['with flag P', 'P', 'no', '<a b><-x>', `<PATH><a b><-x>`],
  ['without flag P, beside a format with it', '', 'yes', '<called><a b><-x>', '<a b><-x>'],
  ['with flag P, as the format', 'P', 'yes', '<called><a b><-x>', '<called><a b><-x>'],
])('an older entry %s', (_, flags, preserve, own, handed) => {
  it('gets the files that the detector refuses, and no others', async () => {
    registerForeign(`:WSLInterop:M::MZ::${program('init', SHOW)}:${flags}`);
    const detector = program('detector', DETECTOR);
    putFormat(`detector ${detector}`, `preserve ${preserve}`);
    expect(await updateBinfmts('--import', 'cli')).toEqual({
      status: 0,
      stdout: '',
      stderr: `${takes}; files that ${detector} refuses still go to ${at('init')}\n`,
    });
    const [other, managed] = [await start('other.exe'), await start('managed.exe')];
    expect(other).toEqual({
      status: 0,
      stdout: `<init><${at('other.exe')}>${handed.replace('PATH', at('other.exe'))}`,
      stderr: '',
    });
    expect(managed).toEqual({ status: 0, stdout: `<mono><${at('managed.exe')}>${own}`, stderr: '' });
    expect((await updateBinfmts('--find', at('other.exe'))).stdout).toBe(`${at('init')}\n`);
  });
});

describe('an older entry', () => {
  it('is reported if a format without a detector hides it', async () => {
    registerForeign(`:WSLInterop:M::MZ::${program('init', SHOW)}:`);
    putFormat();
    const { stderr } = await updateBinfmts('--import', 'cli');
    expect(stderr).toBe(`${takes}: ${at('init')} no longer runs files that match both\n`);
  });

  it('is not tried if its interpreter is run-detectors', async () => {
    putFormat(`detector ${program('detector', DETECTOR)}`);
    registerForeign(`:WSLInterop:M::MZ::${program('init', SHOW)}:`);
    expect((await updateBinfmts('--import', 'cli')).status).toBe(0);
    writeFileSync(
      at('formats/late'),
      `package x\ninterpreter ${at('mono')}\nmagic MZ\ndetector ${at('detector')}\n`,
    );
    expect((await updateBinfmts('--import', 'late')).status).toBe(0);
    expect(await start('other.exe')).toMatchObject({ stdout: expect.stringMatching(/^<init>/), stderr: '' });
  });
});
