/** A builder image that stands in for one with Node and npm: it makes small contents, and notes what it was asked. */
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';

const COMMANDS = {
  npm: '#!/bin/sh\ntest -f package.json && echo "npm $*" >> /asked\n',
  node: `#!/bin/sh
set -e
echo "node $*" >> /asked
mkdir -p "$2/emulators" "$2/tools" "$2/licenses" "$2/program/dist"
cp /bin/busybox "$2/emulators/qemu-stub"
cp /bin/busybox "$2/tools/cat"
cp /asked "$2/licenses/ASKED"
find . > "$2/licenses/FILES"
echo > "$2/program/dist/cli.cjs"
`,
};

/** Fills a build context; of this machine's architecture. */
export function makeStubBuilder(folder: string): void {
  const bin = join(folder, 'root/bin');
  mkdirSync(bin, { recursive: true });
  const [busybox = ''] = unpackPackages('busybox-static');
  copyFileSync(join(busybox, 'bin/busybox'), join(bin, 'busybox'));
  for (const name of ['sh', 'mkdir', 'cp', 'find', 'test', 'echo']) symlinkSync('busybox', join(bin, name));
  for (const [name, text] of Object.entries(COMMANDS)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\nENV PATH=/bin\n');
}
