/** An emulator that was upgraded or removed after its entry was registered with flag F: the kernel still runs the old file. */
import { appendFileSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listEntries } from '../../src/binfmt/entries.ts';
import { sha256File } from '../../src/system/file/files.ts';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  BINFMT,
  emulatorFolder,
  registerOthers,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const bin = join(folder, 'bin');
const emulator = join(bin, 'qemu-riscv64-static');
const inPath = { env: { PATH: `${bin}:${process.env['PATH']}` } };

beforeEach(() => {
  mkdirSync(bin);
  copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), emulator);
});
afterEach(() => {
  removeAllEntries();
  for (const each of [bin, store]) rmSync(each, { recursive: true, force: true });
});

const install = (...words: string[]) =>
  documentOf(['install', 'riscv64', ...words, '--store', store], inPath);
const status = () => documentOf(['status', '--store', store]);
const textOf = async (command: string) => (await binfmtctl([command, '--store', store])).stdout;
const registrationOf = (name: string) => statSync(join(BINFMT, name)).ino;

/** Replaces the emulator by a different file that works the same, as dpkg does. */
function upgrade(): void {
  copyFileSync(emulator, `${emulator}.dpkg-new`);
  appendFileSync(`${emulator}.dpkg-new`, 'new');
  renameSync(`${emulator}.dpkg-new`, emulator);
}

it('is registered again by install after an upgrade, as status and verify say', async () => {
  await install();
  expect(await status()).toMatchObject({ entries: [{ held: 'same', entry: { interpreter: emulator } }] });
  upgrade();
  expect(await status()).toMatchObject({ entries: [{ held: 'replaced' }] });
  const note = `restart needed: entry qemu-riscv64 does not run the current file at ${emulator}; \`binfmtctl install riscv64 --store ${store}\` registers that file`;
  expect(await textOf('status')).toContain(note);
  expect(await textOf('verify')).toContain(note);
  expect(await install()).toMatchObject({
    unchanged: [],
    proofs: [{ held: 'same', emulator: { path: emulator, sha256: await sha256File(emulator) } }],
  });
  expect(await status()).toMatchObject({ entries: [{ held: 'same', ours: true, proof: { holds: true } }] });
  expect(await textOf('status')).not.toContain('restart needed');
  expect(await install()).toMatchObject({ unchanged: ['riscv64'], steps: [] });
});

it('is registered again if the request names the emulator, or the entry is disabled', async () => {
  await install();
  upgrade();
  expect(await install('--emulator', 'qemu')).toMatchObject({ proofs: [{ held: 'same' }] });
  upgrade();
  switchEntry('qemu-riscv64', 'off');
  expect(await install()).toMatchObject({ proofs: [{ held: 'same', host: { holds: true } }] });
});

it('is replaced by install after its removal', async () => {
  await install();
  rmSync(emulator);
  expect(await status()).toMatchObject({ entries: [{ held: 'gone', interpreterExists: false }] });
  expect(await textOf('status')).toContain(
    `restart needed: ${emulator} was removed, but entry qemu-riscv64 still runs it; \`binfmtctl install riscv64 --store ${store}\` registers another emulator`,
  );
  expect(await install()).toMatchObject({ unchanged: [] });
  const [entry] = listEntries(BINFMT);
  expect(entry?.interpreter).toMatch(store);
  expect(existsSync(entry?.interpreter ?? '')).toBe(true);
});

it('is left alone if another tool registered it; install names the option that replaces it', async () => {
  registerOthers('qemu-riscv64', 'riscv64', emulator, 'PF');
  upgrade();
  const before = registrationOf('qemu-riscv64');
  const { status: exit, stdout, stderr } = await binfmtctl(['install', 'riscv64', '--store', store], inPath);
  expect({ exit, stdout }).toMatchObject({ exit: 0, stdout: expect.stringContaining('already works') });
  expect(stderr).toContain(
    `\`binfmtctl install riscv64 --replace --store ${store}\` registers an emulator of this machine`,
  );
  expect(registrationOf('qemu-riscv64')).toBe(before);
  expect(await install('--replace')).toMatchObject({ proofs: [{ held: 'same' }] });
  expect(registrationOf('qemu-riscv64')).not.toBe(before);
});

it('is ignored for an entry that another tool registered from a container', async () => {
  registerOthers('qemu-riscv64', 'riscv64', emulator, 'PF');
  rmSync(emulator);
  expect(await status()).toMatchObject({ entries: [{ held: 'gone' }] });
  expect(await textOf('status')).not.toContain('restart needed');
  expect(await install()).toMatchObject({ unchanged: ['riscv64'], warnings: [] });
});
