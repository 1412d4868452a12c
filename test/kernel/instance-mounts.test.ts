/** Tests that need mounts, which only private namespaces may create. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomic } from '../../src/system/file/write-file.ts';
import { fileSystemMagic, mount, readMounts, unmount } from '../../src/system/namespace/mounts.ts';
import { run } from '../../src/system/process/process.ts';

let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mounts é '));
  expect(await mount('tmpfs', directory, ['size=64k', 'noexec'])).toBeNull();
});
afterEach(async () => {
  expect(await unmount(directory)).toBeNull();
  rmSync(directory, { recursive: true });
});

describe('mounts', () => {
  it('are listed with their path, type and options', () => {
    const found = readMounts().filter(({ mountPoint }) => mountPoint === directory);
    expect(found).toMatchObject([{ type: 'tmpfs', source: 'tmpfs' }]);
    expect(found[0]?.options).toEqual(expect.arrayContaining(['rw', 'noexec', 'size=64k']));
    expect(fileSystemMagic(directory)).toBe(0x01021994); // TMPFS_MAGIC
  });

  it('that fail have a reason', async () => {
    expect(await mount('tmpfs', join(directory, 'absent'))).toMatch(/exist|No such/);
    expect(await unmount(join(directory, 'absent'))).not.toBeNull();
    expect(fileSystemMagic(join(directory, 'absent'))).toBeNull();
  });
});

describe('writeAtomic', () => {
  it('reports a full disk, and keeps the old content', async () => {
    const path = join(directory, 'f');
    await writeAtomic(path, 'old');
    await expect(writeAtomic(path, 'x'.repeat(1_000_000))).rejects.toMatchObject({
      code: 'FILE_FAILED',
      message: expect.stringContaining('no space'),
      hint: expect.stringContaining('free some space'),
    });
    expect(readdirSync(directory)).toEqual(['f']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('reports a read-only file system', async () => {
    expect(await run('mount', ['-o', 'remount,ro', directory])).toMatchObject({ exitCode: 0 });
    await expect(writeAtomic(join(directory, 'f'), 'new')).rejects.toMatchObject({ code: 'READ_ONLY' });
  });
});
