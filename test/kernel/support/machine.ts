/** What a command may change: the entries of the private instance, and a store. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { entryNames } from '../../../src/binfmt/entry-file.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { pathBytes } from '../../../src/system/file/path-bytes.ts';

export const BINFMT = '/proc/sys/fs/binfmt_misc';

/** Where Debian's emulators are unpacked: `qemu-riscv64-static` and the like. */
export function emulatorFolder(): string {
  const [root = ''] = unpackPackages('qemu-user-static');
  return join(root, 'usr/bin');
}

const folders: string[] = [];
// Here, as a hook that is set within a test or another hook never runs.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder for the tests of a file, that everybody may enter; removed after the last of them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-test-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** Registers an entry as other programs do. */
export const registerForeign = (line: string): void => writeFileSync(join(BINFMT, 'register'), line);

/** Registers an entry of another maker that takes the programs of an arch. */
export function registerOthers(name: string, arch: string, interpreter: string, flags: string): void {
  const { magic = '', mask = '' } = builtinCatalogue().arches[arch] ?? {};
  const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
  registerForeign(`:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}`);
}

/** `on` and `off` are 1 and 0 of the kernel. */
export const switchEntry = (name: string, to: 'on' | 'off' | 'gone'): void =>
  writeFileSync(pathBytes(join(BINFMT, name)), { on: '1', off: '0', gone: '-1' }[to]);

/** Every entry by name, as the kernel shows it. */
export function entries(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entryNames(BINFMT).map((name) => [name, readFileSync(pathBytes(join(BINFMT, name)), 'latin1')]),
  );
}

/** The entries with their text, in the kernel's order: newest first. */
export function instance(): readonly (readonly [name: string, text: string])[] {
  const all = entries();
  return entryNames(BINFMT).map((name) => [name, all[name] ?? '']);
}

/** Registered entries are told apart by the inode that the kernel gives each. */
export const removeAllEntries = (): void => {
  for (const name of Object.keys(entries())) switchEntry(name, 'gone');
};

/** What a failed command must leave as it was: entries, and the store without its locks and its memory of inspections. */
export const snapshot = (store: string) => ({ entries: entries(), files: filesIn(store) });

/** Files of a store by path, with their text; emulators by path alone, which is their hash. */
function filesIn(store: string): Readonly<Record<string, string>> {
  const found = readdirSync(store, { recursive: true, withFileTypes: true }).filter(
    (each) => each.isFile() && !['lock', 'inspected.json', 'proofs.json'].includes(each.name),
  );
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return Object.fromEntries(
    paths.map((path) => [path, path.endsWith('.json') ? readFileSync(path, 'utf8') : '']),
  );
}
