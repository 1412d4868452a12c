/** The file that the kernel holds for an entry with flag F, whatever happens to its interpreter's path. */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listEntries } from '../../src/binfmt/entries.ts';
import { compareTimes, isHeld, O_PATH } from '../../src/binfmt/held-file.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { heldInterpreters } from '../../src/verify/held-interpreter.ts';
import {
  BINFMT,
  emulatorFolder,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

let interpreter: string;
beforeEach(() => {
  interpreter = join(temporaryFolder(), 'emulator');
  copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), interpreter);
});
afterEach(removeAllEntries);

async function stateOf() {
  const [entry, ...others] = listEntries(BINFMT);
  if (entry === undefined || others.length > 0) throw new Error('one entry is registered');
  const { signal } = new AbortController();
  const context = { binfmtDirectory: BINFMT, catalogue: builtinCatalogue(), signal };
  return (await heldInterpreters([{ entry, arch: 'riscv64' }], [entry], context)).get(entry) ?? null;
}

/** Moves the change time past the registration, so that only a probe is conclusive. */
const markChanged = (path: string): void => chmodSync(path, 0o700);

function isHeldAt(path: string): boolean | null {
  const descriptor = openSync(path, O_PATH);
  try {
    return isHeld(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

it('distinguishes a changed and a removed file from a mere copy', async () => {
  registerOthers('held', 'riscv64', interpreter, 'F');
  expect(await stateOf()).toBe('same');
  copyFileSync(interpreter, `${interpreter}.new`);
  renameSync(`${interpreter}.new`, interpreter);
  expect(await stateOf()).toBe('same');
  copyFileSync(interpreter, `${interpreter}.new`);
  appendFileSync(`${interpreter}.new`, 'upgrade');
  renameSync(`${interpreter}.new`, interpreter);
  expect(await stateOf()).toBe('replaced');
  rmSync(interpreter);
  expect(await stateOf()).toBe('gone');
});

it('returns nothing for an entry without flag F or without a probe through it', async () => {
  registerOthers('held', 'riscv64', interpreter, 'P');
  expect(await stateOf()).toBeNull();
  removeAllEntries();
  registerOthers('held', 'aarch64', interpreter, 'F');
  markChanged(interpreter);
  expect(await stateOf()).toBeNull();
});

it('does not mistake the program that a wrapper executes for a new interpreter', async () => {
  const wrapper = `${interpreter}-wrapper`;
  writeFileSync(wrapper, `#!/bin/sh\nexec ${interpreter} "$@"\n`);
  chmodSync(wrapper, 0o755);
  registerOthers('held', 'riscv64', wrapper, 'F');
  markChanged(wrapper);
  expect(await stateOf()).toBeNull();
});

it('needs no probe for a file that is older than its entry', () => {
  const compare = () => listEntries(BINFMT).map((entry) => compareTimes(BINFMT, entry))[0];
  do {
    removeAllEntries();
    registerOthers('held', 'riscv64', interpreter, 'F');
  } while (compare() === null);
  expect(compare()).toBe('same');
  // Its access time remains that of the registration.
  writeFileSync(`${BINFMT}/held`, '0');
  markChanged(interpreter);
  writeFileSync(`${BINFMT}/held`, '1');
  expect(compare()).toBeNull();
  rmSync(interpreter);
  expect(compare()).toBe('gone');
});

it('holds a file that cannot be written in place', () => {
  registerOthers('held', 'riscv64', interpreter, 'F');
  expect(() => writeFileSync(interpreter, '', { flag: 'r+' })).toThrow('ETXTBSY');
});

it('detects that an entry with flag F holds its interpreter', () => {
  expect(isHeldAt(interpreter)).toBe(false);
  registerOthers('held', 'riscv64', interpreter, 'F');
  expect(isHeldAt(interpreter)).toBe(true);
});
