import fc from 'fast-check';
import { Decompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import { MAX_WINDOW, splitBlocks } from '../../../src/archive/zstd.ts';

/** A frame of raw blocks, with a window of 128 KiB, with or without checksum (RFC 8878 3.1.1). */
function frame(blocks: readonly Uint8Array[], { window = 0x38, checksum = false } = {}): Uint8Array {
  const parts: number[] = [0x28, 0xb5, 0x2f, 0xfd, checksum ? 4 : 0, window];
  for (const [index, block] of blocks.entries()) {
    const word = (block.length << 3) | (index === blocks.length - 1 ? 1 : 0);
    parts.push(word & 0xff, (word >> 8) & 0xff, word >> 16, ...block);
  }
  return Uint8Array.from([...parts, ...(checksum ? [1, 2, 3, 4] : [])]);
}

const skippable = (size: number): Uint8Array =>
  Uint8Array.from([0x53, 0x2a, 0x4d, 0x18, size, 0, 0, 0, ...Array(size).fill(7)]);
const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Feeds bytes in parts of the given lengths. */
function split(bytes: Uint8Array, lengths: readonly number[]) {
  const splitter = splitBlocks();
  const units: Uint8Array[] = [];
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    units.push(...splitter.push(bytes.subarray(at, at + length)));
    at = Math.min(at + length, bytes.length);
  }
  return { units, isComplete: splitter.isComplete() };
}

const block = fc.uint8Array({ minLength: 1, maxLength: 50 });
const anyFrame = fc.record({
  blocks: fc.array(block, { minLength: 1, maxLength: 4 }),
  checksum: fc.boolean(),
});

describe('splitBlocks', () => {
  it('returns the blocks of all frames for any chunking, and drops skippable frames', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { minLength: 1, maxLength: 4 }),
        fc.nat(40),
        fc.array(fc.nat(30)),
        (frames, gap, lengths) => {
          const encoded = frames.map(({ blocks, checksum }) => frame(blocks, { checksum }));
          const stream = join(encoded.flatMap((each) => [skippable(gap), each]));
          const { units, isComplete } = split(stream, lengths);
          expect(isComplete).toBe(true);
          expect(join(units)).toEqual(join(encoded));
          expect(units).toHaveLength(frames.flatMap(({ blocks }) => blocks).length);
        },
      ),
    );
  });

  it('detects a truncated stream', () => {
    const whole = frame([Uint8Array.of(1, 2, 3), Uint8Array.of(4)], { checksum: true });
    for (let length = 0; length < whole.length; length++)
      expect(split(whole.subarray(0, length), []).isComplete).toBe(false);
    expect(split(whole, []).isComplete).toBe(true);
  });

  it('returns blocks that a decoder accepts one by one', () => {
    const out: Uint8Array[] = [];
    const decoder = new Decompress((chunk) => out.push(chunk));
    const blocks = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
    for (const unit of split(join([frame(blocks), frame(blocks)]), [1, 2, 3]).units) decoder.push(unit);
    decoder.push(new Uint8Array(), true);
    expect(join(out)).toEqual(join([...blocks, ...blocks]));
  });

  const bytes = (...values: number[]) =>
    Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...values, ...Array(20).fill(0)]);
  it.each([
    ['another format', Uint8Array.from([0x1f, 0x8b, 8, 0]), 'invalid zstd data'],
    ['a reserved bit', bytes(0x08, 0x38), 'invalid zstd data'],
    ['a reserved block type', bytes(0, 0x38, 0x07), 'invalid zstd data'],
    ['a dictionary', bytes(0x01, 0x38), 'requires a zstd dictionary'],
    ['a window of 16 MiB', bytes(0, 14 << 3), `limit: ${MAX_WINDOW}`],
    ['the largest window', bytes(0, 0xff), `limit: ${MAX_WINDOW}`],
    ['a large single segment', bytes(0xe0, 0, 0, 0, 0, 1), `limit: ${MAX_WINDOW}`],
    ['a block of two megabytes', bytes(0, 0x38, 0xfb, 0xff, 0xff), 'invalid zstd data'],
  ])('refuses %s', (_, stream, why) => {
    expect(() => split(stream, [])).toThrow(
      expect.objectContaining({ code: 'BAD_PACKAGE', message: expect.stringContaining(why) }),
    );
  });

  it('accepts any input or throws BAD_PACKAGE', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.nat(9)), (noise, lengths) => {
        try {
          split(join([Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), noise]), lengths);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_PACKAGE' });
        }
      }),
    );
  });
});
