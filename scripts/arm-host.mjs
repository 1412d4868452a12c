// Checks binfmtctl with QEMU, Box64 and box32 in a virtual Debian arm64 machine. Exits 0 if every case passes.
//   node scripts/build.mjs && node scripts/arm-host.mjs [--suite trixie]
// Requires root, mmdebstrap, xz, e2fsprogs and qemu-system-aarch64. VM_VERBOSE=1 prints the output of each command.
// Downloads Debian once, from DEBIAN_MIRROR or the machine's mirror. Builds the disk in TMPDIR and keeps it in .cache/vm.
import { parseArgs } from 'node:util';
import { armMachines } from './vm/arm-cases.mjs';
import { exitWith } from './vm/machine.mjs';
import { prove } from './vm/proof.mjs';

const { values } = parseArgs({ options: { suite: { type: 'string', default: 'trixie' } } });

await exitWith(async () => {
  const failed = await prove({
    suite: values.suite,
    userland: values.suite,
    arch: 'arm64',
    machines: armMachines,
  });
  for (const name of failed) console.error(`failed: ${name}`);
  return failed.length === 0 ? 0 : 1;
});
