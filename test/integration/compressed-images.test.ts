/** Compressed disk images: binfmtctl recognizes them, and the command in its hint unpacks them. */
import { execFileSync, execSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mbr } from '../model/disk-image.ts';
import { open } from './fixtures/rootfs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();

const table = mbr([
  { start: 2048, sectors: 2048, type: 0x0c },
  { start: 4096, sectors: 2048, type: 0x83 },
]);
const disk = Buffer.concat([table, Buffer.alloc(1 << 20)]);

/** btrfs has its magic number at a larger offset than other file systems. */
const fileSystem = Buffer.alloc(1 << 20);
fileSystem.write('_BHRfS_M', 0x10040);

it.each([
  ['xz', 'sd.img.xz', disk, 'sd.img'],
  ['gzip', "it's.img.gz", disk, "it's.img"],
  ['bzip2', 'card.img.bz2', disk, 'card.img'],
  ['zstd', 'usb.img.zst', disk, 'usb.img'],
  ['xz', 'root.btrfs.xz', fileSystem, 'root.btrfs'],
  ['xz', 'another name', disk, 'another name.img'],
])('a %s image named %s is refused with the command that unpacks it', async (tool, name, bytes, image) => {
  const path = at(name);
  writeFileSync(path, execFileSync(tool, ['-c'], { input: bytes }));
  const { error } = await open(at('store'), path);
  expect(error).toMatchObject({ code: 'BAD_SOURCE', message: `${path} is a compressed disk image` });
  const [, command = 'false', unpacked] =
    /^unpack it: `(.*)`, then enter (.*)$/.exec(error?.hint ?? '') ?? [];
  expect(unpacked).toBe(at(image));
  execSync(command, { stdio: 'pipe' });
  expect(readFileSync(at(image)).equals(bytes)).toBe(true);
  expect(readFileSync(path).length).toBeGreaterThan(0);
});

it('a zip archive is refused with the command that unpacks it', async () => {
  writeFileSync(at('sd.zip'), 'PK\x03\x04');
  const { error } = await open(at('store'), at('sd.zip'));
  expect(error).toMatchObject({ code: 'BAD_SOURCE', message: `${at('sd.zip')} is a zip archive` });
  expect(error?.hint).toContain(`\`unzip ${at('sd.zip')}\``);
});
