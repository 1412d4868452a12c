import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ensureDirectory,
  fileIdentity,
  listFiles,
  removeFile,
  sha256File,
} from '../../src/system/file/files.ts';
import { readHead } from '../../src/system/file/head.ts';
import { readIfExists, readTextIfExists } from '../../src/system/file/read-file.ts';
import { readSmall } from '../../src/system/file/read-small.ts';
import { writeAtomic } from '../../src/system/file/write-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

describe('writeAtomic', () => {
  it('creates a file with exactly the mode, regardless of the umask', async () => {
    const before = process.umask(0o077);
    try {
      await writeAtomic(at('a'), 'text');
      await writeAtomic(at('b'), Uint8Array.of(0, 255), { mode: 0o755 });
    } finally {
      process.umask(before);
    }
    expect(readFileSync(at('a'), 'utf8')).toBe('text');
    expect([...readFileSync(at('b'))]).toEqual([0, 255]);
    expect(statSync(at('a')).mode & 0o777).toBe(0o644);
    expect(statSync(at('b')).mode & 0o777).toBe(0o755);
  });

  it('shows readers the old or the new content, never a part', async () => {
    const contents = ['a', 'b'].map((letter) => letter.repeat(3_000_000));
    await writeAtomic(at('f'), contents[0] ?? '');
    let writing = true;
    const writer = (async () => {
      for (let round = 0; round < 10; round++) await writeAtomic(at('f'), contents[round % 2] ?? '');
      writing = false;
    })();
    let reads = 0;
    for (; writing; reads++) {
      await new Promise(setImmediate);
      const text = readTextIfExists(at('f')) ?? '';
      expect(text.length).toBe(3_000_000);
      expect(text.at(-1)).toBe(text[0]);
    }
    await writer;
    expect(reads).toBeGreaterThan(2);
  });

  it('leaves nothing behind after a failure', async () => {
    mkdirSync(at('taken'));
    writeFileSync(at('taken/file'), '');
    await expect(writeAtomic(at('taken'), 'x')).rejects.toMatchObject({ code: 'FILE_FAILED' });
    await expect(writeAtomic(at('absent/f'), 'x')).rejects.toMatchObject({ code: 'FILE_FAILED' });
    expect(readdirSync(directory)).toEqual(['taken']);
  });
});

describe('reading', () => {
  it('distinguishes a missing file from an unreadable one', async () => {
    writeFileSync(at('file'), 'x');
    expect(readIfExists(at('absent'))).toBeNull();
    expect(readTextIfExists(at('file/below'))).toBeNull();
    expect(() => readIfExists(directory)).toThrow(expect.objectContaining({ code: 'FILE_FAILED' }));
  });

  it('returns the head of a file, and all of a shorter one', async () => {
    writeFileSync(at('file'), 'abcdef');
    expect(String(Buffer.from(readHead(at('file'), 3)))).toBe('abc');
    expect(String(Buffer.from(readHead(at('file'), 300)))).toBe('abcdef');
    expect(readHead('/dev/null', 256).length).toBe(0);
    expect(() => readHead(at('absent'), 3)).toThrow('ENOENT');
  });

  it('returns a whole small file, and refuses others without blocking', () => {
    writeFileSync(at('file'), 'abcdef');
    expect(String(Buffer.from(readSmall(at('file'), 6)))).toBe('abcdef');
    expect(readSmall('/dev/null').length).toBe(0);
    expect(String(Buffer.from(readSmall('/proc/self/status')))).toMatch(/^Name:/);
    execFileSync('mkfifo', [at('pipe')]);
    for (const [path, message] of [
      [at('pipe'), 'it is a pipe'],
      [at('file'), 'it is larger than 5 bytes'],
      ['/dev/zero', 'it is larger than 5 bytes'],
    ] as const) {
      expect(() => readSmall(path, 5)).toThrow(
        expect.objectContaining({ code: 'FILE_FAILED', message: `cannot read ${path}: ${message}` }),
      );
    }
    expect(() => readSmall(directory)).toThrow('EISDIR');
  });

  it('computes the SHA-256 digest of a file', async () => {
    const content = Buffer.alloc(3_000_001, 'binfmt');
    writeFileSync(at('file'), content);
    expect(await sha256File(at('file'))).toBe(createHash('sha256').update(content).digest('hex'));
    await expect(sha256File(at('absent'))).rejects.toMatchObject({ code: 'FILE_FAILED' });
  });

  it('lists a directory by name, and a missing one as empty', async () => {
    writeFileSync(at('b'), '');
    writeFileSync(at('a'), '');
    expect(await listFiles(directory)).toEqual([at('a'), at('b')]);
    expect(await listFiles(at('absent'))).toEqual([]);
  });
});

describe('removeFile', () => {
  it('removes a file once, and a link without its target', async () => {
    writeFileSync(at('file'), '');
    symlinkSync('file', at('link'));
    await removeFile(at('link'));
    expect(existsSync(at('file'))).toBe(true);
    await removeFile(at('file'));
    await removeFile(at('file'));
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not remove a directory', async () => {
    await expect(removeFile(directory)).rejects.toMatchObject({ code: 'FILE_FAILED' });
    expect(existsSync(directory)).toBe(true);
  });
});

describe('ensureDirectory', () => {
  it('creates missing directories and keeps existing ones', async () => {
    await ensureDirectory(at('a/b'), 0o700);
    chmodSync(at('a'), 0o711);
    await ensureDirectory(at('a'), 0o700);
    expect(statSync(at('a/b')).mode & 0o777).toBe(0o700);
    expect(statSync(at('a')).mode & 0o777).toBe(0o711);
    writeFileSync(at('file'), '');
    await expect(ensureDirectory(at('file'))).rejects.toMatchObject({ code: 'FILE_FAILED' });
  });
});

describe('fileIdentity', () => {
  it('changes when a file is replaced, and only then', async () => {
    await writeAtomic(at('file'), 'same');
    const first = await fileIdentity(at('file'));
    expect(await fileIdentity(at('file'))).toEqual(first);
    await writeAtomic(at('file'), 'same');
    expect(await fileIdentity(at('file'))).not.toEqual(first);
    await expect(fileIdentity(at('absent'))).rejects.toMatchObject({ code: 'FILE_FAILED' });
  });
});
