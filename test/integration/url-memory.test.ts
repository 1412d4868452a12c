import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { amount } from '../stress.ts';
import { bundle } from './fixtures/bundle.ts';
import { packedDeb, tar } from './fixtures/deb.ts';
import { pack } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { sha256Of } from './fixtures/pull-url.ts';
import { temporaryFolder } from './fixtures/temporary.ts';
import { startWeb, type WebOptions } from './fixtures/web.ts';

const MB = 1_000_000;
const LIMIT = 120 * MB;
/** In MB; larger than the limit. */
const ARCHIVE = amount(130, 600);
/** Ten members, or as many as exceed the limit. */
const MEMBERS = amount(3, 10);
const emulator = { name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() };
const xz = (bytes: Uint8Array, ...options: string[]) =>
  execFileSync('xz', ['-c', ...options], { input: bytes, maxBuffer: 1 << 30 });

const at = temporaryFolder();
let program: string;
beforeAll(async () => {
  program = await bundle('pull-once.ts', at('pull-once.cjs'));
});

interface Outcome {
  readonly found?: string[];
  readonly code?: string;
  readonly message?: string;
  readonly peak: number;
  readonly left: readonly string[];
}

/** Fetches in a child process with private directories for the store and for temporary files. */
async function fetchOnce(
  bytes: Uint8Array,
  { intercept, before = '' }: Pick<WebOptions, 'intercept'> & { readonly before?: string } = {},
): Promise<Outcome> {
  const web = await startWeb({ '/file': bytes }, intercept === undefined ? {} : { intercept });
  const [store, work] = await Promise.all([mkdtemp(at('store-')), mkdtemp(at('work-'))]);
  try {
    const source = `url:${web.origin}/file#sha256=${sha256Of(bytes)}`;
    const env = { ...process.env, TMPDIR: work };
    const words = ['-c', `${before} exec "$@"`, 'sh', process.execPath, program, store, source];
    const { stdout } = await promisify(execFile)('/bin/sh', words, { env });
    return { ...JSON.parse(stdout), left: await readdir(work) };
  } finally {
    await web.close();
    await rm(store, { recursive: true });
  }
}

describe('the memory of a download', () => {
  it.each([
    ['an archive', ARCHIVE, (bytes: Uint8Array) => bytes],
    ['one compressed with gzip', ARCHIVE, (bytes: Uint8Array) => gzipSync(bytes, { level: 1 })],
    ['one compressed with zstd', ARCHIVE, (bytes: Uint8Array) => pack(bytes, 'zstd')],
    ['one compressed with xz', 30, (bytes: Uint8Array) => xz(bytes, '-0')],
    ['a package compressed with xz', 30, (bytes: Uint8Array) => packedDeb(xz(bytes, '-0'))],
  ])(
    'stays under 120 MB for %s of %i MB',
    async (_, size, packed) => {
      const plain = await tar([{ name: 'usr/lib/noise', bytes: randomBytes(size * MB) }, emulator]);
      const { found, peak, left } = await fetchOnce(await packed(plain));
      expect({ found, left }).toEqual({ found: ['aarch64'], left: [] });
      expect(peak).toBeLessThan(LIMIT);
    },
    amount(120_000, 600_000),
  );

  it('stays under 120 MB for a file that is too large, and rejects it', async () => {
    const large = Buffer.concat([fakeQemu(), Buffer.alloc(300 * MB)]);
    const { peak, left, ...refusal } = await fetchOnce(large);
    expect(refusal).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('larger than') });
    expect({ left, small: peak < LIMIT }).toEqual({ left: [], small: true });
  });

  it('stays under 120 MB for decompression bombs, and rejects them', async () => {
    // Members of zeros that belong to no file.
    const zeros = Buffer.alloc(64 * MB);
    const start = await tar([{ name: 'x', bytes: '' }]);
    const head = start.subarray(0, 512);
    const many = (member: Uint8Array) => Array<Uint8Array>(MEMBERS).fill(member);
    for (const packed of [
      gzipSync,
      (bytes: Uint8Array) => xz(bytes, '-0'),
      (bytes: Uint8Array) => pack(bytes, 'zstd'),
    ]) {
      const bomb = Buffer.concat([packed(head), ...many(packed(zeros))]);
      const { peak, left, ...refusal } = await fetchOnce(bomb);
      expect(refusal).toMatchObject({
        code: 'BAD_PACKAGE',
        message: expect.stringMatching(/belongs to no file|not a valid tar archive|truncated/),
      });
      expect({ left, small: peak < LIMIT }).toEqual({ left: [], small: true });
    }
  }, 120_000);

  it('stays under 120 MB for an endless answer, and rejects it', async () => {
    const chunk = Buffer.alloc(MB);
    const { peak, left, ...refusal } = await fetchOnce(new Uint8Array(), {
      intercept: (_, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
        return true;
      },
    });
    expect(refusal).toMatchObject({
      code: 'BAD_PACKAGE',
      message: expect.stringContaining('1073741824 bytes'),
    });
    expect({ left, small: peak < LIMIT }).toEqual({ left: [], small: true });
  }, 120_000);

  it('is also limited for xz', async () => {
    const plain = await tar([emulator]);
    const { code, message, left } = await fetchOnce(xz(plain, '--lzma2=dict=512MiB'));
    expect({ code, left }).toEqual({ code: 'BAD_PACKAGE', left: [] });
    expect(message).toMatch(/cannot unpack the archive: .*[Mm]emory/);
  });

  it('gives a hint if the address space is limited', async () => {
    const plain = await tar([emulator]);
    const limit = 'ulimit -v 4000000;';
    expect(await fetchOnce(plain, { before: limit })).toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('within the limit on virtual memory'),
    });
    const found = ['aarch64'];
    const before = `${limit} export NODE_OPTIONS=--disable-wasm-trap-handler;`;
    expect(await fetchOnce(plain, { before })).toMatchObject({ found });
  });
});
