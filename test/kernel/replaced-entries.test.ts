/** Rules of other programs: `uninstall` registers replaced ones again, and `install` takes precedence over them. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl, documentOf, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  instance,
  registerForeign,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';
import { runSystemdBinfmt, systemdMachine } from './support/systemd-machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
/** Files of a distribution, placed in /run/binfmt.d. */
const distribution = join(folder, 'distribution');
const machine = systemdMachine(folder);
const { binfmtD, admin } = machine;
const within = [
  ...machine.within,
  ...inShell(`mkdir /run/binfmt.d && mount --bind ${distribution} /run/binfmt.d`),
];
const done = <T>(...words: readonly string[]) => documentOf<T>([...words, '--store', store], { within });
const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store], { within });
const source = ['--source', `dir:${emulatorFolder()}`];
const distributed = join(folder, 'qemu-riscv64-static');

/** A rule for an architecture, as a line of binfmt.d. */
function line(name: string, arch: string, interpreter: string, flags: string): string {
  const { magic = '', mask = '' } = builtinCatalogue().arches[arch] ?? {};
  const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
  return `:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}\n`;
}
const RULE = line('qemu-riscv64', 'riscv64', distributed, 'F');

beforeAll(() => {
  machine.create();
  mkdirSync(distribution);
  copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), distributed);
});
afterEach(() => {
  removeAllEntries();
  machine.clear();
  for (const name of readdirSync(distribution)) rmSync(join(distribution, name));
  rmSync(store, { recursive: true, force: true });
});

interface Uninstalled {
  readonly restored: readonly { readonly entry: string; readonly path: string | null }[];
}

describe('uninstall of an entry that replaced one of a distribution', () => {
  it.each([[[]], [['--persist=binfmt.d']], [['--persist=binfmt-support']]])(
    'registers the rule of its file again, and reports it (%j)',
    async (options) => {
      writeFileSync(join(distribution, 'riscv64-by-qemu.conf'), `# Debian's\n${RULE}`);
      registerForeign(RULE);
      const before = entries();
      await done('install', 'riscv64', '--replace', ...options, ...source);
      expect(entries()).not.toEqual(before);
      const planned = await run('uninstall', 'riscv64', '--dry-run');
      expect(planned.stdout).toContain('would restore entry qemu-riscv64');
      const { status, stdout, stderr } = await run('uninstall', 'riscv64');
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringContaining('warning') });
      expect(stdout).toContain(
        `restored entry qemu-riscv64 → ${distributed}, as /run/binfmt.d/riscv64-by-qemu.conf says\n`,
      );
      expect(entries()).toEqual(before);
      expect((await run('verify', 'riscv64')).status).toBe(0);
      expect([readdirSync(binfmtD), readdirSync(admin)]).toEqual([[], []]);
    },
  );

  it('registers it again after several installs', async () => {
    writeFileSync(join(distribution, 'qemu-riscv64.conf'), RULE);
    registerForeign(RULE);
    const before = entries();
    await done('install', 'riscv64', '--replace', ...source);
    await done('install', 'riscv64', '--credentials', '--persist=binfmt.d', ...source);
    expect(await done<Uninstalled>('uninstall', '--all')).toMatchObject({
      restored: [{ entry: 'qemu-riscv64', path: '/run/binfmt.d/qemu-riscv64.conf' }],
    });
    expect(entries()).toEqual(before);
  });

  it('registers the rule of a file that its own file hid', async () => {
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    writeFileSync(join(distribution, 'qemu-riscv64.conf'), RULE);
    await done('uninstall', 'qemu-*');
    expect(entries()['qemu-riscv64']).toContain(`interpreter ${distributed}\n`);
  });

  it('registers the replaced rule itself if no file has it', async () => {
    registerForeign(RULE);
    const before = entries();
    await done('install', 'riscv64', '--replace', ...source);
    const { stdout } = await run('uninstall', 'riscv64');
    expect(stdout).toContain('as it was before `install`\n');
    expect(entries()).toEqual(before);
  });

  it("registers binfmt-support's rule again", async () => {
    registerForeign(RULE);
    const before = entries();
    const { magic = '', mask = '' } = builtinCatalogue().arches['riscv64'] ?? {};
    const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
    const words = ['--install', 'qemu-riscv64', distributed, '--magic', escaped(magic)];
    await run('uninstall', 'qemu-riscv64');
    await binfmtctl(['update-binfmts', ...words, '--mask', escaped(mask), '--fix-binary', 'yes'], { within });
    expect(entries()).toEqual(before);
    await done('install', 'riscv64', '--replace', '--persist=binfmt-support', ...source);
    expect(await done<Uninstalled>('uninstall', 'riscv64')).toMatchObject({
      restored: [{ entry: 'qemu-riscv64', path: '/var/lib/binfmts/qemu-riscv64' }],
    });
    expect(entries()).toEqual(before);
  });

  it.each([
    ['whose interpreter is gone', 'qemu-riscv64', '/none', /\/none is missing or not executable/],
    ['that is not safe', 'qemu-riscv64', process.execPath, /takes|matches|would/],
  ])('skips a rule %s, and names the command to retry', async (_, name, interpreter, why) => {
    registerForeign(RULE);
    await done('install', 'riscv64', '--replace', ...source);
    const rule =
      interpreter === '/none'
        ? line(name, 'riscv64', interpreter, 'F')
        : `:${name}:M::\\x7fELF:\\xff\\xff\\xff\\xff:${interpreter}:\n`;
    writeFileSync(join(distribution, 'bad.conf'), rule);
    const { status, stdout, stderr } = await run('uninstall', 'riscv64');
    expect({ status, restored: /restored/.test(stdout) }).toEqual({ status: 0, restored: false });
    expect(stderr).toMatch(why);
    expect(stderr).toContain('run `binfmtctl systemd-binfmt /run/binfmt.d/bad.conf`');
    expect(entries()).toEqual({});
  });

  it('registers nothing if install replaced nothing', async () => {
    writeFileSync(join(distribution, 'qemu-riscv64.conf'), RULE);
    await done('install', 'riscv64', ...source);
    expect(await done<Uninstalled>('uninstall', 'riscv64')).toMatchObject({ restored: [] });
    expect(entries()).toEqual({});
  });
});

describe("a boot file of the entry's name that has rules for other entries as well", () => {
  const OTHER = ':other:E::binfmtctl-other::/bin/true:\n';
  const distributedFile = join(distribution, 'qemu-riscv64.conf');
  const plain = join(binfmtD, 'qemu-riscv64.conf');
  const late = join(binfmtD, 'zz-qemu-riscv64.conf');

  it('is not hidden by install, and comes before the file that install writes', async () => {
    writeFileSync(distributedFile, `${RULE}${OTHER}`);
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    expect(readdirSync(binfmtD)).toEqual(['zz-qemu-riscv64.conf']);
    const before = entries();
    removeAllEntries();
    runSystemdBinfmt([distributedFile, late]);
    expect(entries()).toEqual({ ...before, other: expect.stringContaining('/bin/true') });
    await done('uninstall', 'riscv64');
    expect(entries()['qemu-riscv64']).toContain(`interpreter ${distributed}\n`);
    expect(readdirSync(binfmtD)).toEqual([]);
  });

  it.each([[[]], [['--persist=binfmt.d']]])(
    'is no longer hidden by the file of an earlier install after another one (%j)',
    async (options) => {
      await done('install', 'riscv64', '--persist=binfmt.d', ...source);
      writeFileSync(distributedFile, `${RULE}${OTHER}`);
      const before = entries();
      const { status, stderr } = await run('install', 'riscv64', ...options);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringContaining(
          '/run/binfmt.d/qemu-riscv64.conf is no longer hidden: the next boot registers its other rules (other)',
        ),
      });
      expect([readdirSync(binfmtD), entries()]).toEqual([['zz-qemu-riscv64.conf'], before]);
      expect(await done('install', 'riscv64', ...options)).toMatchObject({ steps: [] });
      await done('uninstall', 'riscv64');
      expect(readdirSync(binfmtD)).toEqual([]);
    },
  );

  it('is hidden by the file of an earlier install until uninstall removes that', async () => {
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    writeFileSync(distributedFile, OTHER);
    await done('uninstall', 'riscv64');
    expect(readdirSync(binfmtD)).toEqual([]);
  });

  it("is not replaced if it is the administrator's", async () => {
    writeFileSync(plain, OTHER);
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    expect([readFileSync(plain, 'utf8'), existsSync(late)]).toEqual([OTHER, true]);
    await done('uninstall', 'riscv64');
    expect(readdirSync(binfmtD)).toEqual(['qemu-riscv64.conf']);
  });
});

describe('install of an emulator whose entry is behind another', () => {
  const order = (): readonly string[] => instance().map(([name]) => name);

  it('moves the entry to the front, and keeps it there over a reboot', async () => {
    await done('install', 'riscv64', '--persist=binfmt.d', ...source);
    expect(readdirSync(binfmtD)).toEqual(['qemu-riscv64.conf']);
    registerOthers('vendor', 'riscv64', distributed, 'F');
    writeFileSync(join(distribution, 'vendor.conf'), line('vendor', 'riscv64', distributed, 'F'));
    expect(order()).toEqual(['vendor', 'qemu-riscv64']);
    const { stdout, status } = await run('install', 'riscv64', '--emulator', 'qemu');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining('registered and verified'),
    });
    expect(order()).toEqual(['qemu-riscv64', 'vendor']);
    const late = join(binfmtD, 'zz-qemu-riscv64.conf');
    expect(existsSync(late)).toBe(true);
    removeAllEntries();
    runSystemdBinfmt([join(binfmtD, 'qemu-riscv64.conf'), join(distribution, 'vendor.conf'), late]);
    expect(order()).toEqual(['qemu-riscv64', 'vendor']);
    expect((await done<{ steps: unknown[] }>('install', 'riscv64', '--persist=binfmt.d')).steps).toEqual([]);
    await done('uninstall', 'riscv64');
    expect([readdirSync(binfmtD), order()]).toEqual([[], ['vendor']]);
  });

  it('persists it behind the file of the other at once', async () => {
    registerOthers('vendor', 'riscv64', distributed, 'F');
    writeFileSync(join(distribution, 'vendor.conf'), line('vendor', 'riscv64', distributed, 'F'));
    await done('install', 'riscv64', '--emulator', 'qemu', '--persist=binfmt.d', ...source);
    expect(readdirSync(binfmtD)).toEqual(['zz-qemu-riscv64.conf']);
    expect(order()).toEqual(['qemu-riscv64', 'vendor']);
  });

  it('leaves an entry in its place if the newer one takes other programs or is disabled', async () => {
    await done('install', 'riscv64', ...source);
    registerOthers('vendor', 's390x', distributed, 'F');
    registerOthers('off', 'riscv64', distributed, 'F');
    writeFileSync('/proc/sys/fs/binfmt_misc/off', '0');
    await done('install', 'riscv64', '--emulator', 'qemu');
    expect(order()).toEqual(['off', 'vendor', 'qemu-riscv64']);
  });
});
