import fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { filterTar } from '../../../src/rootfs/filter.ts';
import { tar } from '../../integration/fixtures/deb.ts';

const options = { what: 'test', maxBytes: 1 << 30, signal: new AbortController().signal };

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function joined(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

/** Names, sizes and extended headers of an archive. */
async function entriesOf(bytes: Uint8Array): Promise<readonly unknown[]> {
  const archive = extract();
  archive.end(bytes);
  const entries: unknown[] = [];
  for await (const entry of archive) {
    const { name, pax } = entry.header;
    entries.push([
      name,
      { ...(pax as object | null) },
      (await joined(entry as AsyncIterable<Uint8Array>)).toString('hex'),
    ]);
  }
  return entries;
}

const entry = fc.record({
  // Longer names have a separate header.
  name: fc.stringMatching(/^[a-z]{1,8}$/).map((name) => (name.length > 6 ? name.repeat(30) : name)),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 1100 }),
    fc.integer({ min: 60_000, max: 200_000 }).map((size) => new Uint8Array(size).fill(7)),
  ),
  keep: fc.boolean(),
});

describe('a filtered archive', () => {
  it('keeps entries unchanged, whatever the chunks of its bytes', async () => {
    const cases = fc.asyncProperty(
      fc.array(entry, { maxLength: 8 }),
      fc.integer({ min: 1, max: 70_000 }),
      async (entries, size) => {
        const all = await tar(entries.map(({ name, bytes }) => ({ name, bytes })));
        const kept = entries.filter(({ keep }) => keep);
        let index = 0;
        const filtered = filterTar(
          inChunks(all, Math.max(size, all.length >> 9)),
          options,
          () => entries[index++]?.keep ?? false,
        );
        const expected = await tar(kept.map(({ name, bytes }) => ({ name, bytes })));
        expect(await entriesOf(await joined(filtered))).toEqual(await entriesOf(expected));
        expect(index).toBe(entries.length);
      },
    );
    await fc.assert(cases, { numRuns: 60 });
  });

  it('is identical byte for byte if every entry is kept', async () => {
    const all = await tar([
      { name: 'a', bytes: 'abc' },
      { name: 'n'.repeat(300), bytes: Buffer.alloc(100_000, 1) },
    ]);
    expect(await joined(filterTar(inChunks(all, 1000), options, () => true))).toEqual(all);
  });

  it('ends at a refused entry', async () => {
    const all = await tar([
      { name: 'a', bytes: 'abc' },
      { name: 'b', bytes: 'abc' },
    ]);
    const refuse = ({ name }: { name: string }): boolean => {
      if (name === 'b') throw new Error('no');
      return true;
    };
    await expect(joined(filterTar(inChunks(all, 100), options, refuse))).rejects.toThrow('no');
  });
});
