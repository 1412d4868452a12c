// The declaration files that tsc emits for the library.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Returns what `use` returns for the declaration file of src/index.ts, which exists until then. */
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
