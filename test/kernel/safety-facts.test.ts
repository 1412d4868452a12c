/** Native programs are detected on this machine, and rules are checked together with all registered entries. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl } from './support/command.ts';
import {
  BINFMT,
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';
import { runsI386 } from './support/native-i386.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const store = ['--store', at('store')];
const source = ['--source', `dir:${emulatorFolder()}`];
const program = `${process.execPath} ${resolve('dist/cli.cjs')}`;
const { x86_64, i386 } = builtinCatalogue().arches;
const escaped = (hex = ''): string => hex.replace(/../g, '\\x$&');
const ruleFor = (name: string, { magic = '', mask = '' } = {}): string =>
  `:${name}:M::${escaped(magic)}:${escaped(mask)}:/bin/true:`;

function file(name: string, ...lines: readonly string[]): string {
  writeFileSync(at(name), `${lines.join('\n')}\n`);
  return at(name);
}

beforeEach(() => mkdirSync(at('store')));
afterEach(() => {
  removeAllEntries();
  rmSync(at('store'), { recursive: true, force: true });
});

describe.runIf(process.arch === 'x64')('native programs', () => {
  const catalogue = at('catalogue');
  beforeEach(() => {
    const machine = { ...x86_64?.elf, machine: 63 };
    const magic = x86_64?.magic.replace('3e00', '3f00');
    mkdirSync(join(catalogue, 'arch'), { recursive: true });
    writeFileSync(join(catalogue, 'arch/x86_64.yaml'), stringify({ ...x86_64, elf: machine, magic }));
  });

  it('cannot be redefined by a profile: lint reports it', async () => {
    const { status, stderr } = await binfmtctl(['catalogue', 'lint', catalogue]);
    expect(stderr).toMatch(
      /x86_64\.yaml:\d+: elf\.machine: is 63, but x86_64 programs on this machine have 62/,
    );
    expect(status).not.toBe(0);
  });

  it.runIf(runsI386)('are detected if TMPDIR is a symbolic link', async () => {
    symlinkSync('.', at('link'));
    const { status, stderr } = await binfmtctl(['install', 'i386', ...source, ...store], {
      env: { TMPDIR: at('link') },
    });
    expect(stderr).toContain('i386 runs natively on this machine');
    expect([status, entries()]).toEqual([1, {}]);
  });

  // The sysctl belongs to the user namespace that unshare creates.
  it.each([
    ['runs it', 'exec true'],
    ['exits with the status of a probe without a format', 'exit 77'],
    ['has no format', null],
  ])('are not treated as foreign if probes are inconclusive because an interpreter %s', (_, action) => {
    const interpreter = file('interpreter', ...(action === null ? ['no program'] : ['#!/bin/sh', action]));
    chmodSync(interpreter, 0o755);
    const rules = file('i386.conf', ruleFor('unsafe', i386));
    const hiding = file('hiding', `:hiding:M::\\x7fELF\\x01::${interpreter}:`);
    const inside = file(
      'inside.sh',
      `mount -t binfmt_misc binfmt_misc ${BINFMT} || exit 99`,
      `printf %s "$(cat ${hiding})" > ${BINFMT}/register || exit 99`,
      'echo 0 > /proc/sys/user/max_user_namespaces || exit 99',
      `${program} import --from binfmt.d ${rules} ${store.join(' ')} || ${program} systemd-binfmt ${rules} ||`,
      `${program} install i386 ${[...source, ...store].join(' ')} || ls ${BINFMT}`,
    );
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'bash', inside],
      { encoding: 'utf8' },
    );
    expect(
      stderr.match(/cannot determine whether i386 runs natively|i386 programs, which may run natively/g),
    ).toHaveLength(3);
    expect(stderr).toContain('in a namespace without entries: ');
    expect([status, stdout.trim().split('\n')]).toEqual([0, ['hiding', 'register', 'status']]);
  });

  it.runIf(runsI386)(
    'are detected even if an entry matches them whose interpreter has no format',
    async () => {
      const interpreter = file('interpreter', 'no program');
      chmodSync(interpreter, 0o755);
      registerForeign(`:hiding:M::\\x7fELF\\x01::${interpreter}:`);
      const rules = file('i386.conf', ruleFor('unsafe', i386));
      const { status, stderr } = await binfmtctl(['import', '--from', 'binfmt.d', rules, ...store]);
      expect(stderr).toContain('would take over i386 programs, which run here without an emulator');
      expect([status, Object.keys(entries())]).toEqual([1, ['hiding']]);
    },
  );

  it.runIf(runsI386)('get no entry from run --all', async () => {
    const { status, stdout } = await binfmtctl([
      ...['run', '--all', '--dry-run', ...source, ...store],
      ...['--', '/bin/true'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain('i386: this machine itself');
  });
});

describe('rules with an offset', () => {
  it('can be exported and imported again, with a warning for scripts', async () => {
    for (const rule of [':ai:M:8:AI\\x02::/bin/true:', ':abcd:M:10:ABCD::/bin/true:']) registerForeign(rule);
    const before = entries();
    const { stdout } = await binfmtctl(['export', '--all']);
    removeAllEntries();
    const { status, stderr } = await binfmtctl(['import', file('all.conf', stdout), ...store]);
    expect(stderr).toContain('rule abcd also matches `#!` scripts');
    expect(stderr).not.toContain('rule ai');
    expect([status, entries()]).toEqual([0, before]);
  });
});

describe('rules together with entries', () => {
  it('are refused if an entry matches their interpreter, whichever comes first', async () => {
    const wrapper = file('wrapper.seed', '#!/bin/sh', 'exit 0');
    chmodSync(wrapper, 0o755);
    const served = `:served:M::SERVED::${wrapper}:`;
    const taking = ':taking:E::seed::/bin/true:';
    registerForeign(taking);
    const later = await binfmtctl(['systemd-binfmt', file('rules.conf', served)]);
    expect(later.stderr).toContain(`rule served cannot work: entry taking takes over ${wrapper}`);
    removeAllEntries();
    registerForeign(served);
    const earlier = await binfmtctl(['systemd-binfmt', file('rules.conf', taking)]);
    expect(earlier.stderr).toContain(`rule taking would take over ${wrapper}, which entry served runs`);
    removeAllEntries();
    await binfmtctl(['systemd-binfmt', file('rules.conf', taking, served)]);
    expect(Object.keys(entries())).toEqual(['served']);
  });
});

describe('rules of one file', () => {
  it('are checked together with the entry that a refused rule does not replace', async () => {
    for (const name of ['b', 'c']) writeFileSync(at(name), name.toUpperCase().repeat(4), { mode: 0o755 });
    registerForeign(`:B:M::BBBB::${at('c')}:`);
    const before = entries();
    const rules = file('rules.conf', ':B:E::so::/bin/true:', `:C:M::CCCC::${at('b')}:`);
    const { status, stderr } = await binfmtctl(['systemd-binfmt', rules]);
    expect(stderr).toMatch(/rules\.conf:2: rule C would take over its own interpreter, in a loop with B/);
    expect([status, entries()]).toEqual([1, before]);
  });
});
