import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { reduceIndexes } from '../../src/sources/apt/index-files.ts';
import { STRESS } from '../stress.ts';
import { bundle } from './fixtures/bundle.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const MB = 1_000_000;
const at = temporaryFolder();
const { signal } = new AbortController();
const stanza = (name: string, description = ''): string =>
  `Package: ${name}\nVersion: 1\nSize: 1\nDescription: ${description}\n\n`;

let count = 0;
function lists(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = at(`lists-${count++}`);
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(`${folder}/${name}`, bytes);
  return folder;
}

describe('reduceIndexes', () => {
  it('keeps the named packages, whatever their position and compression', async () => {
    // Longer than a read buffer, so that stanzas cross its boundaries.
    const others = Array.from({ length: 3000 }, (_, index) => stanza(`other-${index}`, 'x'.repeat(index)));
    const text = [stanza('first'), ...others, stanza('middle'), ...others, stanza('last').trimEnd()].join('');
    const bytes = Buffer.from(text);
    const xz = execFileSync('xz', ['-c', '-0'], { input: bytes, maxBuffer: 1 << 30 });
    const folder = lists({
      a_Packages: bytes,
      'b_Packages.gz': gzipSync(bytes),
      'c_Packages.xz': xz,
      d_Packages: Buffer.from(stanza('other')),
      lock: bytes.subarray(0, 10),
    });
    await reduceIndexes(folder, ['first', 'middle', 'last'], signal);
    expect(readdirSync(folder)).toEqual(['a_Packages', 'b_Packages', 'c_Packages', 'lock']);
    for (const name of ['a', 'b', 'c']) {
      const kept = readFileSync(`${folder}/${name}_Packages`, 'utf8');
      expect(kept.match(/^Package: .*$/gm)).toEqual(['Package: first', 'Package: middle', 'Package: last']);
    }
  });

  it.each([
    ['truncated', 'x_Packages.gz', gzipSync(Buffer.from(stanza('a'))).subarray(0, 30)],
    ['invalid gzip', 'x_Packages.gz', Buffer.from('nothing')],
    ['invalid xz', 'x_Packages.xz', Buffer.from('nothing')],
    ['one endless stanza', 'x_Packages.gz', gzipSync(Buffer.alloc(20 * MB, 'x'))],
  ])('explains the problem of an index: %s', async (_, name, bytes) => {
    await expect(reduceIndexes(lists({ [name]: bytes }), ['a'], signal)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining(name),
    });
  });

  /** Runs in a child process, for an index of the given size in megabytes. */
  async function reduced(
    megabytes: number,
  ): Promise<{ readonly code: string | null; readonly peak: number }> {
    const program = await bundle('reduce-once.ts', at('reduce-once.cjs'));
    const part = gzipSync(Buffer.from(stanza('other', 'x'.repeat(200)).repeat(40_000)), { level: 1 });
    // Concatenated members are one stream (RFC 1952 2.2).
    const parts = Array(megabytes / 10).fill(part);
    const folder = lists({ 'x_Packages.gz': Buffer.concat(parts) });
    return JSON.parse((await promisify(execFile)(process.execPath, [program, folder])).stdout);
  }

  it('needs less than 100 MB for an index of 150 MB', async () => {
    const { code, peak } = await reduced(150);
    expect(code).toBeNull();
    expect(peak).toBeLessThan(100 * MB);
  });

  it.runIf(STRESS)('needs less than 100 MB for an index of more than 1 GiB, which is refused', async () => {
    const { code, peak } = await reduced(1100);
    expect(code).toBe('SOURCE_FAILED');
    expect(peak).toBeLessThan(100 * MB);
  });
});
