/** Which file the kernel holds for an entry with flag F, whatever happens to the path of its interpreter. */
import { closeSync, copyFileSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listEntries } from '../../src/kernel/entries.ts';
import { isHeld, O_PATH } from '../../src/kernel/held-file.ts';
import { heldInterpreter } from '../../src/operations/held-interpreter.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
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

const { riscv64 } = builtinCatalogue().arches;

function stateOf() {
  if (riscv64 === undefined) throw new Error('riscv64 is in the catalogue');
  const { signal } = new AbortController();
  return heldInterpreter(riscv64, listEntries(BINFMT), { signal });
}

function isHeldAt(path: string): boolean | null {
  const descriptor = openSync(path, O_PATH);
  try {
    return isHeld(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

it('tells a file that was replaced or removed after the registration from the one that the kernel runs', async () => {
  registerOthers('held', 'riscv64', interpreter, 'F');
  expect(await stateOf()).toBe('same');
  copyFileSync(interpreter, `${interpreter}.new`);
  renameSync(`${interpreter}.new`, interpreter);
  expect(await stateOf()).toBe('replaced');
  rmSync(interpreter);
  expect(await stateOf()).toBe('gone');
});

it('knows nothing where no entry takes the architecture', async () => {
  expect(await stateOf()).toBeNull();
});

it('sees that an entry with flag F holds its interpreter', () => {
  expect(isHeldAt(interpreter)).toBe(false);
  registerOthers('held', 'riscv64', interpreter, 'F');
  expect(isHeldAt(interpreter)).toBe(true);
});
