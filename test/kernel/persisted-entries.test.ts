/** Persistent entries of an earlier command: later commands keep their boot files up to date. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seal } from '../../src/state/seal.ts';
import { userNamespace } from '../../src/system/host.ts';
import { binfmtctl, documentOf, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';
import { runSystemdBinfmt, systemdMachine } from './support/systemd-machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const bin = join(folder, 'bin');
const machine = systemdMachine(folder);
const { binfmtD, admin } = machine;
const circumstances = { within: machine.within, env: { PATH: `${bin}:${process.env['PATH']}` } };
const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store], circumstances);
const done = <T>(...words: readonly string[]) => documentOf<T>([...words, '--store', store], circumstances);
const source = ['--source', `dir:${emulatorFolder()}`];
/** The same emulators with changed bytes. */
const newer = join(folder, 'newer');
const newerSource = ['--source', `dir:${newer}`, '--emulator', 'qemu'];

const AARCH64 = join(binfmtD, 'qemu-aarch64.conf');
const RISCV64 = join(binfmtD, 'qemu-riscv64.conf');

beforeAll(() => {
  machine.create();
  mkdirSync(newer);
  for (const name of ['qemu-aarch64-static', 'qemu-riscv64-static']) {
    copyFileSync(join(emulatorFolder(), name), join(newer, name));
    appendFileSync(join(newer, name), 'x');
  }
});
beforeEach(() => mkdirSync(bin));
afterEach(() => {
  removeAllEntries();
  machine.clear();
  for (const path of [bin, store]) rmSync(path, { recursive: true, force: true });
});

interface Installed {
  readonly notes: readonly string[];
  readonly unchanged: readonly string[];
  readonly steps: readonly unknown[];
}

/** Checks that a boot would register the current entries. */
function expectSameAfterBoot(): void {
  const before = entries();
  removeAllEntries();
  runSystemdBinfmt(readdirSync(binfmtD).map((name) => join(binfmtD, name)));
  expect(entries()).toEqual(before);
}

describe('install without --persist over a persisted entry', () => {
  it('writes the new rule to its boot file, keeps the emulator, and prints no note about a reboot', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const { notes } = await done<Installed>('install', 'arm64', ...newerSource);
    expect(notes).toEqual([]);
    await done('install', 'riscv64', ...source);
    await done('uninstall', 'riscv64', '--purge');
    expectSameAfterBoot();
    expect(await run('verify', 'arm64')).toMatchObject({ status: 0 });
    await done('uninstall', '--all', '--purge');
    expect([readdirSync(binfmtD), entries()]).toEqual([[], {}]);
  }, 60_000);

  it('writes the new flags to it', async () => {
    await done('install', 's390x', '--persist=binfmt.d', ...source);
    await done('install', 's390x', '--credentials');
    expect(entries()['qemu-s390x']).toMatch(/^flags: .*C/m);
    expectSameAfterBoot();
  }, 60_000);

  it('writes the flags that binfmt-support supports, and registers the same', async () => {
    await done('install', 'arm64', '--persist=binfmt-support', ...source);
    await done('install', 'arm64', ...newerSource);
    const [interpreter = ''] = /^\/.*$/m.exec(readFileSync(join(admin, 'qemu-aarch64'), 'utf8')) ?? [];
    expect(entries()['qemu-aarch64']).toContain(`interpreter ${interpreter}\nflags: PF\n`);
  }, 60_000);

  it('names the emulator that replaces a removed one', async () => {
    const emulator = join(bin, 'qemu-riscv64-static');
    copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), emulator);
    await done('install', 'riscv64', '--persist');
    expect(readFileSync(RISCV64, 'utf8')).toContain(emulator);
    rmSync(emulator);
    await done('install', 'riscv64');
    expect(entries()['qemu-riscv64']).toContain(store);
    expectSameAfterBoot();
  }, 60_000);

  it('prints no note about a reboot if the boot file is correct already', async () => {
    const emulator = join(bin, 'qemu-riscv64-static');
    copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), emulator);
    await done('install', 'riscv64', '--persist');
    switchEntry('qemu-riscv64', 'gone');
    const { notes } = await done<Installed>('install', 'riscv64');
    expect(notes.join()).not.toContain('reboot');
    rmSync(emulator);
    copyFileSync(join(newer, 'qemu-riscv64-static'), emulator);
    expect(await done<Installed>('install', 'riscv64')).toMatchObject({ notes: [], unchanged: [] });
  }, 60_000);

  it('keeps a boot file that was changed since, with a warning and the note', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    writeFileSync(AARCH64, '# mine\n');
    const { status, stdout, stderr } = await run('install', 'arm64', ...newerSource);
    expect(status).toBe(0);
    expect(stderr).toContain(
      '/etc/binfmt.d/qemu-aarch64.conf was changed after binfmtctl wrote it; it is kept',
    );
    expect(stdout).toMatch(/^To keep it: sudo binfmtctl install arm64 .*--persist/m);
    expect(readFileSync(AARCH64, 'utf8')).toBe('# mine\n');
  }, 60_000);

  it('restores the old boot file if the probe fails', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const before = [entries(), readFileSync(AARCH64, 'utf8')];
    const broken = join(folder, 'broken');
    mkdirSync(broken, { recursive: true });
    copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), join(broken, 'qemu-aarch64-static'));
    expect(await run('install', 'arm64', '--source', `dir:${broken}`)).toMatchObject({ status: 1 });
    expect([entries(), readFileSync(AARCH64, 'utf8')]).toEqual(before);
  }, 60_000);
});

describe('a boot file that binfmtctl wrote for an earlier emulator', () => {
  it('is removed by uninstall', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const old = readFileSync(AARCH64);
    await done('install', 'arm64', ...newerSource);
    writeFileSync(AARCH64, old);
    await done('uninstall', '--all', '--purge');
    expect([readdirSync(binfmtD), entries()]).toEqual([[], {}]);
  }, 60_000);

  it('is not restored by the uninstall that follows install --persist', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    rmSync(join(store, 'registrations'), { recursive: true });
    removeAllEntries();
    await done('install', 'arm64', '--persist=binfmt.d', ...newerSource);
    await done('uninstall', 'arm64');
    expect(readdirSync(binfmtD)).toEqual([]);
  }, 60_000);

  it('is written again by install without --persist', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const old = readFileSync(AARCH64);
    await done('install', 'arm64', ...newerSource);
    writeFileSync(AARCH64, old);
    await done('install', 'arm64');
    expectSameAfterBoot();
  }, 60_000);
});

describe('uninstall --purge', () => {
  it.each([
    ['an administrator keeps in binfmt.d', () => join(binfmtD, 'kept.conf')],
    ['was made for binfmt-support', () => join(admin, 'kept')],
  ])(
    'keeps the emulator of a boot file that %s',
    async (_, pathOf) => {
      await done('install', 'arm64', '--persist=binfmt.d', ...source);
      const interpreter = /^interpreter (.*)$/m.exec(entries()['qemu-aarch64'] ?? '')?.[1] ?? '';
      writeFileSync(pathOf(), readFileSync(AARCH64, 'utf8'));
      expect(await done('uninstall', 'arm64', '--purge')).toMatchObject({ purged: [] });
      expect(existsSync(interpreter)).toBe(true);
      rmSync(pathOf());
      // uninstall registered the rule of the file.
      removeAllEntries();
      expect(await done('uninstall', '--all', '--purge')).toMatchObject({ purged: [interpreter] });
    },
    60_000,
  );

  it('removes no emulator while a boot file cannot be read, and says so', async () => {
    await done('install', 'arm64', ...source);
    mkdirSync(join(binfmtD, 'folder.conf'));
    execFileSync('mkfifo', [join(binfmtD, 'pipe.conf')]);
    const { status, stderr } = await run('uninstall', 'arm64', '--purge');
    expect(status).toBe(0);
    expect(stderr).toContain(
      'kept all emulators in the store: cannot read /etc/binfmt.d/pipe.conf: it is a pipe',
    );
  }, 60_000);
});

describe('install --persist for an entry that works already', () => {
  it.each([
    ['was removed', null],
    ['was changed', '# nothing\n'],
  ])(
    'writes its boot file again if it %s',
    async (_, text) => {
      await done('install', 'riscv64', '--persist', ...source);
      const before = readFileSync(RISCV64, 'utf8');
      if (text === null) rmSync(RISCV64);
      else writeFileSync(RISCV64, text);
      const { status, stderr } = await run('install', 'riscv64', '--persist');
      expect([status, readFileSync(RISCV64, 'utf8')]).toEqual([0, before]);
      expect(stderr.includes('qemu-riscv64.conf was changed after binfmtctl wrote it; it is replaced')).toBe(
        text !== null,
      );
    },
    60_000,
  );

  it('writes its boot file again if it names an earlier emulator', async () => {
    await done('install', 'arm64', '--persist', ...source);
    const old = readFileSync(AARCH64);
    await done('install', 'arm64', ...newerSource);
    writeFileSync(AARCH64, old);
    await done('install', 'arm64', '--persist');
    expectSameAfterBoot();
  }, 60_000);

  it('writes the file of another boot service', async () => {
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    await done('install', 'riscv64', '--persist=binfmt-support');
    expect([readdirSync(binfmtD), readdirSync(admin)]).toEqual([['qemu-riscv64.conf'], ['qemu-riscv64']]);
    // binfmt-support has no key for flag O.
    expect(entries()['qemu-riscv64']).toMatch(/^flags: PF$/m);
    expectSameAfterBoot();
    expect(await done<Installed>('install', 'riscv64', '--persist=binfmt-support')).toMatchObject({
      unchanged: ['riscv64'],
    });
  }, 60_000);

  it('writes nothing if its boot file is correct', async () => {
    await done('install', 'riscv64', '--persist', ...source);
    expect(await done<Installed>('install', 'riscv64', '--persist')).toMatchObject({
      unchanged: ['riscv64'],
      steps: [],
    });
  }, 60_000);
});

describe('an entry of another program that was only persisted', () => {
  it("belongs to binfmtctl after --replace: uninstall registers the other program's again", async () => {
    const interpreter = join(emulatorFolder(), 'qemu-riscv64-static');
    registerOthers('qemu-riscv64', 'riscv64', interpreter, 'POF');
    const before = entries();
    await done('install', 'riscv64', '--persist');
    expect(entries()).toEqual(before);
    await done('install', 'riscv64', '--replace', ...newerSource);
    expect(entries()).not.toEqual(before);
    await done('uninstall', 'riscv64', '--purge');
    expect([entries(), readdirSync(binfmtD)]).toEqual([before, []]);
  }, 60_000);

  it('stays when uninstall removes its boot file', async () => {
    registerOthers('qemu-riscv64', 'riscv64', join(emulatorFolder(), 'qemu-riscv64-static'), 'POF');
    const before = entries();
    await done('install', 'riscv64', '--persist');
    await done('uninstall', 'riscv64');
    expect([entries(), readdirSync(binfmtD)]).toEqual([before, []]);
  }, 60_000);
});

describe('a boot file that an administrator masked by a link to /dev/null', () => {
  it('stays masked, with a warning, and prevents neither install nor uninstall', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    rmSync(AARCH64);
    symlinkSync('/dev/null', AARCH64);
    expect(await done<Installed>('install', 'arm64')).toMatchObject({ unchanged: ['aarch64'] });
    for (const words of [
      ['install', ...newerSource],
      ['uninstall', '--purge'],
    ]) {
      const { status, stderr } = await run(words[0] ?? '', 'arm64', ...words.slice(1));
      expect(status).toBe(0);
      expect(stderr).toContain(
        '/etc/binfmt.d/qemu-aarch64.conf was changed after binfmtctl wrote it; it is kept',
      );
    }
    expect([readlinkSync(AARCH64), entries()]).toEqual(['/dev/null', {}]);
  }, 60_000);
});

describe('a power failure while a persisted entry was replaced', () => {
  it('ends with the old entry, its boot file and its emulator', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const before = [entries(), readFileSync(AARCH64, 'utf8')];
    // The boot registers the new boot file.
    const { steps } = await done<Installed>('install', 'arm64', ...newerSource);
    const journal = { bootId: 'an earlier boot', userNamespace: userNamespace(), steps };
    const text = JSON.stringify({ schema: 'binfmtctl/journal/1', ...journal });
    await seal(store, text);
    writeFileSync(join(store, 'journal.json'), text);
    // With the seal's directory, /var/lib, of this machine.
    const repaired = await binfmtctl(['uninstall', 'no-such-*', '--purge', '--store', store], {
      within: inShell(`mount --bind ${join(folder, 'etc')} /etc`),
    });
    expect(repaired.stderr).toContain('rolled back 4 of its steps');
    expect([entries(), readFileSync(AARCH64, 'utf8')]).toEqual(before);
    expect(await run('verify', 'arm64')).toMatchObject({ status: 0 });
    await done('uninstall', '--all', '--purge');
    expect([entries(), readdirSync(binfmtD)]).toEqual([{}, []]);
  }, 60_000);
});
