/** Replaced emulators in the store: binfmtctl computes the digest from their content before it runs them. */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const store = at('store');
const emulators = emulatorFolder();
const lock = `--locked=${at('own.lock')}`;
const source = ['--source', `dir:${at('emulators')}`];
const install = (...words: readonly string[]): readonly string[] => [
  ...['install', 'riscv64', '--store', store],
  ...words,
];
const digestOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Path of the emulator in the store, by its original digest. */
let stored = '';
let digest = '';

beforeEach(async () => {
  mkdirSync(at('emulators'));
  copyFileSync(join(emulators, 'qemu-riscv64-static'), at('emulators/qemu-riscv64-static'));
  digest = digestOf(at('emulators/qemu-riscv64-static'));
  stored = join(store, 'sha256', digest, 'qemu-riscv64');
  await documentOf(install(...source, `--lock=${at('own.lock')}`));
});
afterEach(() => {
  removeAllEntries();
  for (const name of ['emulators', 'store', 'own.lock']) rmSync(at(name), { recursive: true, force: true });
});

/** Replaces its content, and records the old digest for it in the store's memo. */
function forge(bytes: Buffer): void {
  writeFileSync(stored, bytes);
  chmodSync(stored, 0o755);
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(stored, { bigint: true });
  const path = join(store, 'inspected.json');
  const memory = JSON.parse(readFileSync(path, 'utf8')) as { files: Record<string, unknown> };
  const [known] = Object.values(memory.files);
  memory.files = { [[dev, ino, size, mtimeNs, ctimeNs].join(':')]: known };
  writeFileSync(path, JSON.stringify(memory));
}

describe('an emulator in the store that was replaced, with a forged record of its digest', () => {
  const other = Buffer.concat([
    readFileSync(join(emulators, 'qemu-riscv64-static')),
    Buffer.from('other bytes'),
  ]);

  it('is not registered by install --locked', async () => {
    await documentOf(['uninstall', '--all', '--store', store]);
    forge(other);
    expect(await binfmtctl(install(lock))).toMatchObject({ status: 0 });
    expect(digestOf(stored)).toBe(digest);
    expect(entries()['qemu-riscv64']).toContain(stored);
  });

  it('makes install --locked register nothing if its source is gone', async () => {
    await documentOf(['uninstall', '--all', '--store', store]);
    forge(other);
    rmSync(at('emulators'), { recursive: true });
    const ran = await binfmtctl(install(lock));
    expect(ran.stderr).toContain('its content does not match its digest');
    expect(entries()).toEqual({});
  });

  it('is not reported by status and verify with the digest in its path', async () => {
    removeAllEntries();
    forge(other);
    registerOthers('qemu-riscv64', 'riscv64', stored, 'PF');
    const { proofs } = await documentOf<{ proofs: { emulator: { sha256: string } }[] }>([
      ...['verify', '--store', store],
    ]);
    expect(proofs[0]?.emulator.sha256).toBe(digestOf(stored));
    const { stdout } = await binfmtctl(['status', '--store', store, '--json']);
    expect(stdout).not.toContain(`"sha256": "${digest}"`);
  });
});
