/** Creates partition tables for test images. */
const SECTOR = 512;

export interface MadePartition {
  /** In sectors of 512 bytes. */
  readonly start: number;
  readonly sectors: number;
  /** A number for an MBR, a GUID for a GPT. */
  readonly type: number | string;
}

/** The first sectors of a disk with an MBR, without logical partitions. */
export function mbr(partitions: readonly MadePartition[]): Buffer {
  const sector = Buffer.alloc(SECTOR);
  partitions.forEach(({ start, sectors, type }, index) => {
    writeMbrEntry(sector, 446 + 16 * index, Number(type), start, sectors);
  });
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

export function writeMbrEntry(
  sector: Buffer,
  at: number,
  type: number,
  start: number,
  sectors: number,
): void {
  sector[at + 4] = type;
  sector.writeUInt32LE(start, at + 8);
  sector.writeUInt32LE(sectors, at + 12);
}

/** The first sectors of a disk with a GPT. */
export function gpt(partitions: readonly MadePartition[], sectorSize = SECTOR): Buffer {
  const bytes = Buffer.alloc(sectorSize * 2 + 128 * 128);
  mbr([{ start: 1, sectors: 0xffff, type: 0xee }]).copy(bytes);
  bytes.write('EFI PART', sectorSize);
  bytes.writeBigUInt64LE(2n, sectorSize + 72);
  bytes.writeUInt32LE(128, sectorSize + 80);
  bytes.writeUInt32LE(128, sectorSize + 84);
  partitions.forEach(({ start, sectors, type }, index) => {
    const at = 2 * sectorSize + 128 * index;
    guidBytes(String(type)).copy(bytes, at);
    bytes.writeBigUInt64LE(BigInt((start * SECTOR) / sectorSize), at + 32);
    bytes.writeBigUInt64LE(BigInt(((start + sectors) * SECTOR) / sectorSize - 1), at + 40);
  });
  return bytes;
}

function guidBytes(guid: string): Buffer {
  const [a = '', b = '', c = '', d = '', e = ''] = guid.split('-');
  const little = [a, b, c].map((field) => Buffer.from(field, 'hex').reverse());
  return Buffer.concat([...little, Buffer.from(`${d}${e}`, 'hex')]);
}
