/** Describes files other than programs of known architectures, from their first bytes. Pure. */
import { fileKind } from './file-kind.ts';

/** The number of bytes that `describeFile` and `isDotNet` need. */
export const DESCRIBED_SIZE = 4096;

/** Describes a file as a noun: `a PNG image`. Null for an unknown kind of file. */
export function describeFile(head: Uint8Array, path: string): string | null {
  const text = latin1(head);
  const known = MAGICS.find(([magic]) => text.startsWith(magic));
  if (known !== undefined) return known[1];
  if (isApe(head)) return 'an APE program';
  if (text.startsWith('\x7fELF')) return describeElf(head);
  if (text.startsWith('MZ')) return describeMz(head);
  if (text.startsWith('\xca\xfe\xba\xbe')) return (head[7] ?? 0) < 32 ? 'a macOS program' : 'a Java class';
  if (text.startsWith('PK\x03\x04')) return path.endsWith('.jar') ? 'a Java archive' : 'a zip archive';
  const kind = fileKind(head.subarray(0, 512));
  if (kind === 'tar') return 'a tar archive';
  if (isScriptText(head)) return 'a text file';
  // The boot signature of a disk with a partition table.
  return text.slice(510, 512) === '\x55\xaa' ? 'a disk image' : null;
}

/**
 * Whether shells and execvp(3) should run a file as a script: a text file or an APE program. POSIX allows shells to reject other
 * files (sh, "Command Search and Execution").
 */
export function isScriptText(head: Uint8Array): boolean {
  if (isApe(head)) return true;
  const isKnown = MAGICS.some(([magic]) => latin1(head.subarray(0, 16)).startsWith(magic));
  return !isKnown && !head.subarray(0, 256).some((byte) => byte < 0x20 && !TEXT_CONTROLS.has(byte));
}

/** Whether a file is a program of Cosmopolitan, which is both a Windows program and a shell script (https://justine.lol/ape.html). */
export const isApe = (head: Uint8Array): boolean =>
  /^(?:MZqFpD|jartsr|APEDBG)='/.test(latin1(head.subarray(0, 8)));

/** Whether a Windows program is a .NET program: ECMA-335, II.25.2.3.3, "CLI header" in the data directories. */
export function isDotNet(head: Uint8Array): boolean {
  const optional = optionalHeader(head);
  if (optional === null) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const directories = optional + (halfAt(view, optional) === PE32_PLUS ? 112 : 96);
  return wordAt(view, directories + CLI_HEADER * 8) !== 0;
}

const PE32_PLUS = 0x20b;
const CLI_HEADER = 14;
/** BEL, BS, TAB, LF, VT, FF, CR, ESC. */
const TEXT_CONTROLS: ReadonlySet<number> = new Set([7, 8, 9, 10, 11, 12, 13, 27]);

const MAGICS: readonly (readonly [magic: string, what: string])[] = [
  ['\x89PNG\r\n', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['RIFF', 'a media file'],
  ['%PDF-', 'a PDF document'],
  ['\0asm', 'a WebAssembly module'],
  ['\xfe\xed\xfa', 'a macOS program'],
  ['\xcf\xfa\xed\xfe', 'a macOS program'],
  ['\xce\xfa\xed\xfe', 'a macOS program'],
  ['dex\n', 'an Android program'],
  ['!<arch>\n', 'an ar archive'],
  ['\x1f\x8b', 'a gzip file'],
  ['BZh', 'a bzip2 file'],
  ['\xfd7zXZ', 'an xz file'],
  ['\x28\xb5\x2f\xfd', 'a zstd file'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['Rar!', 'a RAR archive'],
  ['07070', 'a cpio archive'],
  ['\xed\xab\xee\xdb', 'an RPM package'],
  ['hsqs', 'a squashfs image'],
  ['QFI\xfb', 'a disk image'],
  ['SQLite format 3', 'an SQLite database'],
];

function describeElf(head: Uint8Array): string {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const isLittle = head[5] !== 2;
  if (head.length < 20) return 'a truncated ELF file';
  const type = view.getUint16(16, isLittle);
  if (type === 1) return 'an ELF object file';
  if (type === 4) return 'an ELF core dump';
  return `an ELF file for an unknown architecture (e_machine ${view.getUint16(18, isLittle)})`;
}

function describeMz(head: Uint8Array): string {
  if (optionalHeader(head) === null) return 'a DOS program';
  return isDotNet(head) ? 'a .NET program' : 'a Windows program';
}

/** Offset of the optional header of a portable executable ("PE Format"); null if it has none. */
function optionalHeader(head: Uint8Array): number | null {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const at = wordAt(view, 0x3c);
  return wordAt(view, at) === 0x4550 ? at + 24 : null;
}

const halfAt = (view: DataView, at: number): number =>
  at + 2 <= view.byteLength ? view.getUint16(at, true) : 0;
const wordAt = (view: DataView, at: number): number =>
  at + 4 <= view.byteLength ? view.getUint32(at, true) : 0;
const latin1 = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, 512), (byte) => String.fromCharCode(byte)).join('');
