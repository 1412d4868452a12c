// As root, because only root can change owners.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { addToRunCache, readRunCache } from '../../src/emulation/run-cache.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { ruleOf } from '../unit/enter/script/scripts.ts';

const folder = temporaryFolder();
let store = '';

beforeEach(async () => {
  store = mkdtempSync(folder('store-'));
  chmodSync(store, 0o755);
  writeFileSync(join(store, 'emulator'), '', { mode: 0o755 });
  const rule = ruleOf('qemu-riscv64', join(store, 'emulator'));
  await addToRunCache(
    { rules: [{ arch: 'riscv64', rule, version: null, warnings: [] }], all: false },
    { store },
  );
});

const inPlace = (make: () => void): void => {
  rmSync(join(store, 'run.json'));
  make();
};

describe("root's cache of emulators", () => {
  it('is used if only root can have written it', () => {
    expect(readRunCache({ store }).rules).toHaveLength(1);
  });

  it.each([
    ['the file is another user’s', () => chownSync(join(store, 'run.json'), 4242, 4242)],
    ['the folder is another user’s', () => chownSync(store, 4242, 4242)],
    ['others can write to the folder', () => chmodSync(store, 0o777)],
    ['others can write to the file', () => chmodSync(join(store, 'run.json'), 0o666)],
    ['it has 50 MB', () => truncateSync(join(store, 'run.json'), 50_000_000)],
    ['it is a pipe', () => inPlace(() => execFileSync('mkfifo', [join(store, 'run.json')]))],
    ['it is a link', () => inPlace(() => symlinkSync('/dev/zero', join(store, 'run.json')))],
  ])('is refused if %s', (_, giveAway) => {
    giveAway();
    expect(() => readRunCache({ store })).toThrow(
      /(unsafe file|unsafe store|cannot read) .*(run\.json|store-)/,
    );
  });
});
