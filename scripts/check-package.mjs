// Fails when the packed tarball is larger than npx should have to fetch, or would bring other packages along.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT_BYTES = 480_000;
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [{ size, entryCount }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT, encoding: 'utf8' }),
);
const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
  readFileSync(resolve(ROOT, 'package.json'), 'utf8'),
);
const brought = Object.keys({ ...dependencies, ...optionalDependencies });
console.log(`package: ${size} bytes in ${entryCount} files, ${brought.length} other packages`);
process.exit(size <= LIMIT_BYTES && brought.length === 0 ? 0 : 1);
