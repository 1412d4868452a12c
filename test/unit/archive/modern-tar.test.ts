import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modernTar } from '../../../src/archive/modern-tar.ts';
import { tar } from '../../integration/fixtures/deb.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rewritten(bytes: Uint8Array, size = 10_000): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of modernTar(inChunks(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
}

/** A Unix V7 header, which ends after the link name. */
function headerOfV7(name: string, size: number, type = '\0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156, 'latin1');
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

describe('modernTar', () => {
  it('leaves modern archives unchanged for any chunking', async () => {
    const archive = Buffer.from(
      await tar([
        { name: 'short', bytes: 'x'.repeat(1000) },
        { name: 'n'.repeat(200), bytes: '' },
        { name: 'x', bytes: 'x', pax: { 'SCHILY.xattr.user.mark': 'seen' } } as never,
      ]),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (size) => {
        expect((await rewritten(archive, size)).equals(archive)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('leaves other data unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        expect((await rewritten(bytes, 700)).equals(bytes)).toBe(true);
      }),
    );
  });

  it('adds the ustar magic to a Unix V7 header, and the type to a directory', async () => {
    const content = Buffer.alloc(512, 'a');
    const made = await rewritten(
      Buffer.concat([headerOfV7('etc/', 0), headerOfV7('etc/x', 400), content, Buffer.alloc(1024)]),
    );
    expect(made.subarray(257, 265).toString('latin1')).toBe('ustar\x0000');
    expect(made.subarray(156, 157).toString('latin1')).toBe('5');
    expect(made.subarray(512 + 257, 512 + 265).toString('latin1')).toBe('ustar\x0000');
    expect(made.subarray(1024, 1536).equals(content)).toBe(true);
    expect(made.length).toBe(4 * 512 + 512);
  });

  it('ends if the map of a sparse file is truncated', async () => {
    const header = headerOfV7('sparse', 0, 'S');
    header.write('ustar  \0', 257);
    header[482] = 1;
    header.write('        ', 148);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    expect((await rewritten(header)).length % 512).toBe(0);
  });
});
