/** Partition tables of disk images: MBR and GPT (UEFI specification, chapter 5). Pure. */

import type { ReadAt } from '../elf/linkage.ts';

export interface Partition {
  readonly number: number;
  /** In bytes. */
  readonly start: number;
  readonly size: number;
  /** Type in the table. `linux` is any Linux file system, `root` one for `/`. */
  readonly type: string;
}

export interface PartitionTable {
  readonly kind: 'MBR' | 'GPT';
  readonly partitions: readonly Partition[];
}

const SECTOR = 512;
/** Some disks have sectors of 4 KiB. */
const GPT_SECTORS = [SECTOR, 4096];
/** Larger than the tables that tools create. */
const MAX_ENTRIES = 1024;
const MAX_ENTRY_SIZE = 4096;
/** Limit for the chain of logical partitions, which could be circular. */
const MAX_LOGICAL = 60;

/**
 * Reads the partition table of a disk; null if it has none. Partitions that extend past the end of the disk are
 * omitted.
 */
export async function readPartitions(readAt: ReadAt, size: number): Promise<PartitionTable | null> {
  for (const sector of GPT_SECTORS) {
    const header = view(await readAt(sector, SECTOR));
    if (header.byteLength < 92 || textOf(header, 0, 8) !== 'EFI PART') continue;
    return { kind: 'GPT', partitions: within(await readGpt(readAt, header, sector), size) };
  }
  const mbr = view(await readAt(0, SECTOR));
  if (!isMbr(mbr)) return null;
  return { kind: 'MBR', partitions: within(await readMbr(readAt, mbr), size) };
}

const within = (partitions: readonly Partition[], size: number): readonly Partition[] =>
  partitions.filter((each) => each.size > 0 && each.start > 0 && each.start + each.size <= size);

async function readGpt(readAt: ReadAt, header: DataView, sector: number): Promise<readonly Partition[]> {
  const first = Number(header.getBigUint64(72, true));
  const count = header.getUint32(80, true);
  const entrySize = header.getUint32(84, true);
  if (count > MAX_ENTRIES || entrySize < 128 || entrySize > MAX_ENTRY_SIZE) return [];
  const entries = view(await readAt(first * sector, count * entrySize));
  const partitions: Partition[] = [];
  for (let at = 0; at + entrySize <= entries.byteLength; at += entrySize) {
    const guid = guidAt(entries, at);
    if (/^[0-]+$/.test(guid)) continue;
    const start = Number(entries.getBigUint64(at + 32, true));
    const end = Number(entries.getBigUint64(at + 40, true));
    partitions.push({
      number: at / entrySize + 1,
      start: start * sector,
      size: (end + 1 - start) * sector,
      type: GPT_TYPES[guid] ?? guid,
    });
  }
  return partitions;
}

const MBR_ENTRIES = [446, 462, 478, 494];

/** The boot sector of a file system has the same signature, but code in place of the entries. */
function isMbr(sector: DataView): boolean {
  if (sector.byteLength < SECTOR || sector.getUint16(510, true) !== 0xaa55) return false;
  const isStatus = (at: number): boolean => [0, 0x80].includes(sector.getUint8(at));
  return MBR_ENTRIES.every(isStatus) && MBR_ENTRIES.some((at) => sector.getUint8(at + 4) !== 0);
}

async function readMbr(readAt: ReadAt, mbr: DataView): Promise<readonly Partition[]> {
  const partitions: Partition[] = [];
  for (const [index, at] of MBR_ENTRIES.entries()) {
    const entry = mbrEntry(mbr, at);
    if (EXTENDED.includes(entry.type)) partitions.push(...(await readLogical(readAt, entry.start)));
    else if (entry.type !== 0) partitions.push(named(entry, index + 1));
  }
  return partitions;
}

/**
 * Each sector of the chain describes a logical partition and points to the next sector, relative to the extended
 * partition.
 */
async function readLogical(readAt: ReadAt, extended: number): Promise<readonly Partition[]> {
  const partitions: Partition[] = [];
  let place = extended;
  while (partitions.length < MAX_LOGICAL) {
    const sector = view(await readAt(place, SECTOR));
    if (sector.byteLength < SECTOR || sector.getUint16(510, true) !== 0xaa55) break;
    const entry = mbrEntry(sector, 446);
    const next = mbrEntry(sector, 462);
    if (entry.type === 0) break;
    partitions.push(named({ ...entry, start: place + entry.start }, 5 + partitions.length));
    if (!EXTENDED.includes(next.type)) break;
    place = extended + next.start;
  }
  return partitions;
}

interface MbrEntry {
  readonly type: number;
  readonly start: number;
  readonly size: number;
}

const mbrEntry = (sector: DataView, at: number): MbrEntry => ({
  type: sector.getUint8(at + 4),
  start: sector.getUint32(at + 8, true) * SECTOR,
  size: sector.getUint32(at + 12, true) * SECTOR,
});

const named = ({ type, start, size }: MbrEntry, number: number): Partition => ({
  number,
  start,
  size,
  type: MBR_TYPES[type] ?? `0x${type.toString(16).padStart(2, '0')}`,
});

const EXTENDED: readonly number[] = [0x05, 0x0f, 0x85];

const MBR_TYPES: Readonly<Record<number, string>> = {
  1: 'FAT',
  4: 'FAT',
  6: 'FAT',
  7: 'NTFS',
  11: 'FAT',
  12: 'FAT',
  14: 'FAT',
  130: 'swap',
  131: 'linux',
  142: 'LVM',
  239: 'EFI system',
};

/** The types of `root`, one per architecture, are from the Discoverable Partitions Specification. */
const GPT_TYPES: Readonly<Record<string, string>> = {
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'linux',
  '44479540-f297-41b2-9af7-d131d5f0458a': 'root',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'root',
  '69dad710-2ce4-4e3c-b16c-21a1d49abed3': 'root',
  'b921b045-1df0-41c3-af44-4c6f280d3fae': 'root',
  '1de3f1ef-fa98-47b5-8dcd-4a860a654d78': 'root',
  '912ade1d-a839-4913-8964-a10eee08fbd2': 'root',
  'c31c45e6-3f39-412e-80fb-4809c4980599': 'root',
  '60d5a7fe-8e7d-435c-b714-3dd8162144e1': 'root',
  '72ec70a6-cf74-40e6-bd49-4bda08e8f224': 'root',
  '08a7acea-624c-4a20-91e8-6e0fa67d23f9': 'root',
  '5eead9a9-fe09-4a1e-a1d7-520d00531306': 'root',
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI system',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': 'boot',
  '21686148-6449-6e6f-744e-656564454649': 'BIOS boot',
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': 'swap',
};

/** The first three fields of a GUID are little-endian. */
function guidAt(bytes: DataView, at: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const rest = Array.from({ length: 8 }, (_, index) => hex(bytes.getUint8(at + 8 + index), 2)).join('');
  const fields = [
    hex(bytes.getUint32(at, true), 8),
    hex(bytes.getUint16(at + 4, true), 4),
    hex(bytes.getUint16(at + 6, true), 4),
  ];
  return [...fields, rest.slice(0, 4), rest.slice(4)].join('-');
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const textOf = (bytes: DataView, at: number, length: number): string =>
  Array.from({ length }, (_, index) => String.fromCharCode(bytes.getUint8(at + index))).join('');
