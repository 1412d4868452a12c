/** Everything that a command may change: the entries of the private instance, and a store. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { entryNames } from '../../../src/binfmt/entry-file.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';

export const BINFMT = '/proc/sys/fs/binfmt_misc';

/** The directory of Debian's unpacked emulators, such as `qemu-riscv64-static`. */
export function emulatorFolder(): string {
  const [root = ''] = unpackPackages('qemu-user-static');
  return join(root, 'usr/bin');
}

const folders: string[] = [];
// Set here, because a hook that is set within a test or another hook never runs.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A directory for the tests of a file that all users may enter; removed after the last test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-test-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** Registers an entry like another program. */
export const registerForeign = (line: string): void => writeFileSync(join(BINFMT, 'register'), line);

/** Registers an entry of another program that matches programs of an architecture. */
export function registerOthers(name: string, arch: string, interpreter: string, flags: string): void {
  const { magic = '', mask = '' } = builtinCatalogue().arches[arch] ?? {};
  const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
  registerForeign(`:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}`);
}

/** Writes 1 for `on` and 0 for `off`. */
export const switchEntry = (name: string, to: 'on' | 'off' | 'gone'): void =>
  writeFileSync(join(BINFMT, name), { on: '1', off: '0', gone: '-1' }[to]);

/** Every entry by name, as the kernel shows it. */
export function entries(): Readonly<Record<string, string>> {
  const names = readdirSync(BINFMT).filter((name) => name !== 'register' && name !== 'status');
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(BINFMT, name), 'latin1')]));
}

/** The entries with their text, in the kernel's order: newest first. */
export function instance(): readonly (readonly [name: string, text: string])[] {
  const all = entries();
  return entryNames(BINFMT).map((name) => [name, all[name] ?? '']);
}

/** Distinguishes registrations by the inode that the kernel assigns to each. */
export const removeAllEntries = (): void => {
  for (const name of Object.keys(entries())) switchEntry(name, 'gone');
};

/** The state that a failed command must not change: entries, and the store without its locks and its inspection memo. */
export const snapshot = (store: string) => ({ entries: entries(), files: filesIn(store) });

/** Files of a store with their text; emulators only by path, which contains their hash. */
function filesIn(store: string): Readonly<Record<string, string>> {
  const found = readdirSync(store, { recursive: true, withFileTypes: true }).filter(
    (each) => each.isFile() && !['lock', 'inspected.json', 'proofs.json'].includes(each.name),
  );
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return Object.fromEntries(
    paths.map((path) => [path, path.endsWith('.json') ? readFileSync(path, 'utf8') : '']),
  );
}
