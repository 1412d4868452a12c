/** `install --link`: emulators by the names under which other tools look for them. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstallResult, StatusResult, UninstallResult } from '../../src/index.ts';
import { AS_USER, binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';
import { killedAt, momentsIn, recorded } from './support/moments.ts';
import { interruptedAt } from './support/strace.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const links = join(folder, 'links');
const newer = join(folder, 'newer');
const source = ['--source', `dir:${emulatorFolder()}`];
const LINK = join(links, 'qemu-riscv64-static');
const linked = ['install', 'riscv64', `--link=${links}`, ...source];

const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);
const done = <T>(...words: readonly string[]) => documentOf<T>([...words, '--store', store]);
const emulatorOf = (name: string): string =>
  /^interpreter (.*)$/m.exec(entries()[name] ?? '')?.[1] ?? `no entry ${name}`;
const inLinks = (): readonly string[] => readdirSync(links).toSorted();

beforeEach(() => mkdirSync(links));
afterEach(() => {
  removeAllEntries();
  for (const path of [store, links, newer]) rmSync(path, { recursive: true, force: true });
});

/** A directory with an emulator of the same name and other bytes. */
function makeNewer(): readonly string[] {
  mkdirSync(newer, { recursive: true });
  copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), join(newer, 'qemu-riscv64-static'));
  appendFileSync(join(newer, 'qemu-riscv64-static'), '\0');
  return ['--source', `dir:${newer}`];
}

describe('install --link', () => {
  it('links emulators by their usual names, and uninstall removes the links', async () => {
    await done('install', 'arm64', 'riscv64', `--link=${links}`, ...source);
    expect(inLinks()).toEqual(['qemu-aarch64-static', 'qemu-riscv64-static']);
    expect(readlinkSync(LINK)).toBe(emulatorOf('qemu-riscv64'));
    // As other tools do.
    execFileSync('cp', [LINK, join(folder, 'copied')]);
    expect(execFileSync(join(folder, 'copied'), ['--version'], { encoding: 'utf8' })).toContain(
      'qemu-riscv64',
    );
    const { entries: shown } = await done<StatusResult>('status');
    expect(shown.find(({ arch }) => arch === 'riscv64')?.links).toEqual([LINK]);
    expect((await run('status')).stdout).toContain(LINK);
    const { steps } = await done<UninstallResult>('uninstall', 'riscv64');
    expect(steps).toContainEqual({
      ...{ kind: 'link', path: LINK, target: null },
      previous: expect.stringContaining(store),
    });
    expect(inLinks()).toEqual(['qemu-aarch64-static']);
    await done('uninstall', '--all');
    expect(inLinks()).toEqual([]);
  });

  it('shows the link with --dry-run, and creates none', async () => {
    const here = { env: { PATH: `${emulatorFolder()}:${process.env['PATH']}` } };
    const words = ['install', 'riscv64', `--link=${links}`, '--dry-run', '--store', store];
    expect((await binfmtctl(words, here)).stdout).toContain(`would link ${LINK} → ${emulatorFolder()}/`);
    expect((await run(...linked, '--dry-run')).stdout).toContain(
      `emulators that are fetched get links in ${links}`,
    );
    expect(inLinks()).toEqual([]);
  });

  it('adds a link to what works already, and is idempotent', async () => {
    await done('install', 'riscv64', ...source);
    const words = ['install', 'riscv64', `--link=${links}`];
    const { steps } = await done<InstallResult>(...words);
    expect(steps.map(({ kind }) => kind)).toEqual(['write', 'link', 'prove']);
    const { ino } = lstatSync(LINK);
    expect(await done<InstallResult>(...words)).toMatchObject({ steps: [], unchanged: ['riscv64'] });
    expect((await done<InstallResult>(...linked)).steps.map(({ kind }) => kind)).toEqual(['prove']);
    expect(lstatSync(LINK).ino).toBe(ino);
    rmSync(LINK);
    await done(...words);
    expect(readlinkSync(LINK)).toBe(emulatorOf('qemu-riscv64'));
  });

  it('needs no link where the emulator has that path itself', async () => {
    const [name = ''] = ['qemu-riscv64-static'];
    copyFileSync(join(emulatorFolder(), name), join(links, name));
    const env = { PATH: `${links}:${process.env['PATH']}` };
    const words = ['install', 'riscv64', `--link=${links}`, '--store', store];
    for (let time = 0; time < 2; time++) await documentOf(words, { env });
    expect(lstatSync(LINK).isFile()).toBe(true);
    await done('uninstall', '--all');
    expect(lstatSync(LINK).isFile()).toBe(true);
  });

  it('follows the emulator, and keeps the new one in the store', async () => {
    await done(...linked);
    const before = readlinkSync(LINK);
    const { steps } = await done<InstallResult>('install', 'riscv64', ...makeNewer());
    expect(steps).toContainEqual({
      ...{ kind: 'link', path: LINK, previous: before },
      target: emulatorOf('qemu-riscv64'),
    });
    expect(readlinkSync(LINK)).toBe(emulatorOf('qemu-riscv64'));
    expect(readlinkSync(LINK)).not.toBe(before);
    removeAllEntries();
    await done('store', 'prune');
    expect(existsSync(realpathSync(LINK))).toBe(true);
  });

  it.each([
    ['a file', () => writeFileSync(LINK, 'theirs')],
    ['a link', () => symlinkSync('/bin/true', LINK)],
    ['a dangling link', () => symlinkSync('/nowhere', LINK)],
    ['a directory', () => mkdirSync(LINK)],
  ])('refuses to replace %s of others', async (_, make) => {
    make();
    const { ino } = lstatSync(LINK);
    await expectRefusal([...linked, '--store', store], {
      ...{ status: 1, code: 'FILE_FAILED' },
      message: /qemu-riscv64-static: the file exists and binfmtctl did not create it$/,
      hint: /--link=DIR/,
    });
    expect(lstatSync(LINK).ino).toBe(ino);
    expect(entries()).toEqual({});
  });

  it('leaves a link that was changed since', async () => {
    await done(...linked);
    rmSync(LINK);
    symlinkSync('/bin/true', LINK);
    const { stderr } = await run('install', 'riscv64', ...makeNewer());
    expect(stderr).toContain(`${LINK} was changed since it was created: it is left`);
    await done('uninstall', '--all');
    expect(readlinkSync(LINK)).toBe('/bin/true');
  });

  it('says so when the directory is missing', () =>
    expectRefusal(['install', 'riscv64', `--link=${links}/none`, ...source, '--store', store], {
      ...{ status: 2, code: 'USAGE' },
      message: /^--link: no such directory: .*none$/,
      hint: null,
    }));

  it('refuses a directory that another user can change', () => {
    chownSync(links, 1000, 1000);
    return expectRefusal([...linked, '--store', store], {
      ...{ status: 1, code: 'FILE_FAILED' },
      message: /cannot create links in .*links belongs to user 1000$/,
      hint: /only root can change/,
    });
  });

  it('refuses in the container image, whose files the host does not see', () =>
    expectRefusal(
      [...linked, '--store', store],
      { status: 2, code: 'USAGE', message: /container image/, hint: /on the host/ },
      { env: { BINFMTCTL_IMAGE: '1' } },
    ));

  it('does not keep a user from status who cannot look into the directory', async () => {
    await done(...linked);
    chmodSync(links, 0o700);
    const ran = await binfmtctl(['status', '--store', store], { within: AS_USER });
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('qemu-riscv64') });
    expect(ran.stdout).not.toContain(LINK);
  });

  it('rolls the link back if the probe fails', async () => {
    mkdirSync(newer);
    // It says that it is QEMU, and runs nothing.
    const text = readFileSync(join(emulatorFolder(), 'qemu-arm-static'));
    writeFileSync(join(newer, 'qemu-riscv64-static'), text, { mode: 0o755 });
    const ran = await run('install', 'riscv64', `--link=${links}`, '--source', `dir:${newer}`);
    expect(ran.status).toBe(1);
    expect(inLinks()).toEqual([]);
    expect(entries()).toEqual({});
  });
});

describe('an install --link that does not come to its end', () => {
  const command = (words: readonly string[]) => [
    process.execPath,
    resolve('dist/cli.cjs'),
    ...words,
    '--store',
    store,
  ];

  it('by SIGINT leaves the links as they were', async () => {
    expect(interruptedAt({ call: 'register', signal: 'SIGINT' }, [...linked, '--store', store]).status).toBe(
      130,
    );
    expect(inLinks()).toEqual([]);
    await done(...linked);
    const before = readlinkSync(LINK);
    const words = ['install', 'riscv64', ...makeNewer(), '--store', store];
    expect(interruptedAt({ call: 'register', signal: 'SIGINT' }, words).status).toBe(130);
    expect(inLinks()).toEqual(['qemu-riscv64-static']);
    expect([readlinkSync(LINK), emulatorOf('qemu-riscv64')]).toEqual([before, before]);
  });

  it('by SIGKILL is repaired by the next run: the link leads to the emulator of the entry', async () => {
    await done(...linked);
    const words = ['install', 'riscv64', ...makeNewer()];
    const log = join(folder, 'install.log');
    const [file = '', ...args] = recorded(command(words), log);
    expect(spawnSync(file, args).status).toBe(0);
    const within = momentsIn(log).filter(({ inTransaction }) => inTransaction);
    for (let at = 0; at < within.length; at += Math.ceil(within.length / 6)) {
      const moment = within[at];
      await done(...linked);
      const [program = '', ...rest] = killedAt(
        moment ?? { call: '', when: 0, inTransaction: true },
        command(words),
      );
      spawnSync(program, rest);
      expect((await run('uninstall', 'no-such-*')).status).toBe(0);
      expect(inLinks(), JSON.stringify(moment)).toEqual(['qemu-riscv64-static']);
      expect(readlinkSync(LINK), JSON.stringify(moment)).toBe(emulatorOf('qemu-riscv64'));
    }
    await done('uninstall', '--all');
    expect(inLinks()).toEqual([]);
  });
});
