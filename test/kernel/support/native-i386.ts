/** Whether this machine runs i386 programs: x86-64 kernels of distributions do, those of some virtual machines do not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EXIT_STATUS = 42;
/** `mov $1, %eax; mov $42, %ebx; int $0x80`: exit(42). */
const CODE = Buffer.from('b801000000bb2a000000cd80', 'hex');
const ADDRESS = 0x8048000;
const HEADERS = 84;

/** Found by running one, independent of the code under test. */
export const runsI386: boolean = runs(program());

/** A static ELF program with one segment (elf(5)). */
function program(): Buffer {
  const head = Buffer.alloc(HEADERS);
  head.write('7f454c46010101', 'hex');
  // e_type ET_EXEC, e_machine EM_386, e_version, e_entry, e_phoff; e_ehsize, e_phentsize, e_phnum
  for (const [at, value] of [
    [16, 2],
    [18, 3],
    [40, 52],
    [42, 32],
    [44, 1],
  ] as const)
    head.writeUInt16LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [24, ADDRESS + HEADERS],
    [28, 52],
  ] as const)
    head.writeUInt32LE(value, at);
  const size = HEADERS + CODE.length;
  // PT_LOAD, offset, addresses, sizes, PF_R and PF_X, alignment
  for (const [index, value] of [1, 0, ADDRESS, ADDRESS, size, size, 5, 0x1000].entries())
    head.writeUInt32LE(value, 52 + 4 * index);
  return Buffer.concat([head, CODE]);
}

function runs(bytes: Buffer): boolean {
  if (process.arch !== 'x64') return false;
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-i386-'));
  try {
    const path = join(folder, 'program');
    writeFileSync(path, bytes, { mode: 0o755 });
    return spawnSync(path).status === EXIT_STATUS;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
