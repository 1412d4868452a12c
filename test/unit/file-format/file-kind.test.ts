import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AR_HEADER_SIZE, parseArHeader } from '../../../src/archive/ar.ts';
import { fileKind } from '../../../src/file-format/file-kind.ts';
import { tar } from '../../integration/fixtures/deb.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

describe('fileKind', () => {
  it.each([
    ['elf', '7f454c4602010100'],
    ['ar', '213c617263683e0a64656269'],
    ['gzip', '1f8b0800'],
    ['xz', 'fd377a585a000004'],
    ['zstd', '28b52ffd2400'],
    ['zstd', '502a4d1804000000'],
    ['unknown', '504b0304'],
    ['unknown', '3c68746d6c3e'],
    ['unknown', '425a6839'],
    ['unknown', 'fd377a58'],
    ['unknown', ''],
  ])('detects %s by %s', (kind, start) => {
    expect(fileKind(hex(start))).toBe(kind);
    expect(fileKind(Buffer.concat([hex(start), Buffer.alloc(600, 'x')]).subarray(0, 512))).toBe(
      start === 'fd377a58' ? 'unknown' : kind,
    );
  });

  it('detects tar archives only by the checksum of their first header', async () => {
    const archive = await tar([{ name: 'qemu', bytes: 'x' }]);
    expect(fileKind(archive.subarray(0, 512))).toBe('tar');
    expect(fileKind(archive.subarray(0, 511))).toBe('unknown');
    const changed = Buffer.from(archive.subarray(0, 512));
    changed[0] = 0x70;
    expect(fileKind(changed)).toBe('unknown');
    expect(fileKind(Buffer.alloc(512))).toBe('unknown');
    expect(fileKind(gzipSync(archive))).toBe('gzip');
  });

  it('accepts any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(['unknown', 'gzip', 'elf', 'ar', 'tar', 'xz', 'zstd']).toContain(fileKind(bytes));
      }),
    );
  });
});

describe('parseArHeader', () => {
  const header = (name: string, size: number | string, end = '`\n') =>
    Buffer.from(
      `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(size).padEnd(10)}${end}`,
    );

  it('parses an encoded header', () => {
    const name = fc.stringMatching(/^[\w.-]{1,15}$/);
    fc.assert(
      fc.property(name, fc.nat({ max: 9_999_999_999 }), fc.boolean(), (name, size, slash) => {
        expect(parseArHeader(header(slash ? `${name}/` : name, size))).toEqual({ name, size });
      }),
    );
  });

  it.each([
    ['another end', header('data.tar', 1, 'xx')],
    ['no size', header('data.tar', '')],
    ['a size below zero', header('data.tar', -1)],
    ['a size that is no number', header('data.tar', '1e3')],
    ['too few bytes', header('data.tar', 1).subarray(0, AR_HEADER_SIZE - 1)],
    ['nothing', new Uint8Array()],
  ])('rejects %s', (_, bytes) => {
    expect(parseArHeader(bytes)).toBeNull();
  });
});
