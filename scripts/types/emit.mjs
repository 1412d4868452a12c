// Emits the library's declaration files with tsc.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Calls `use` with the declaration file of src/index.ts, which is removed afterwards, and returns its result. */
export function withDeclarations(use) {
  const types = mkdtempSync(join(tmpdir(), 'binfmtctl-types-'));
  try {
    const words = ['-p', 'tsconfig.types.json', '--outDir', types];
    execFileSync('node_modules/.bin/tsc', words, { cwd: ROOT, stdio: 'inherit' });
    return use(join(types, 'index.d.ts'));
  } finally {
    rmSync(types, { recursive: true, force: true });
  }
}
