/** Programs of the seeds' formats, as small as they can be. */

/** A DOS program: its header alone (Microsoft's PE Format, MS-DOS Stub). */
export function dosProgram(): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write('MZ');
  return bytes;
}

/** Behind the 256 bytes that the kernel compares. */
const PE_OFFSET = 0x120;
/** The fifteenth data directory of PE32 is the CLR header (PE Format, Optional Header Data Directories). */
const CLR_DIRECTORY = PE_OFFSET + 4 + 20 + 96 + 14 * 8;

/** A Windows program; with `clr` one for the Common Language Runtime. Enough of it for who looks which. */
export function windowsProgram({ clr }: { readonly clr: boolean }): Buffer {
  const bytes = Buffer.alloc(1024);
  bytes.write('MZ');
  bytes.writeUInt32LE(PE_OFFSET, 0x3c);
  bytes.write('PE', PE_OFFSET);
  bytes.writeUInt16LE(0x14c, PE_OFFSET + 4); // IMAGE_FILE_MACHINE_I386
  bytes.writeUInt16LE(224, PE_OFFSET + 20); // size of the optional header
  bytes.writeUInt16LE(0x10b, PE_OFFSET + 24); // PE32
  bytes.writeUInt32LE(16, PE_OFFSET + 24 + 92); // data directories
  if (clr) {
    bytes.writeUInt32LE(0x2008, CLR_DIRECTORY);
    bytes.writeUInt32LE(72, CLR_DIRECTORY + 4);
  }
  return bytes;
}

/** Says its arguments, one joined by `|`. */
export const PYTHON_SOURCE = 'import sys\nprint("|".join(sys.argv[1:]))\n';

export const GO_SOURCE = 'package main\n\nfunc main() { println("seed") }\n';
