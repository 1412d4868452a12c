import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { amount, STRESS } from '../stress.ts';
import { bundle } from './fixtures/bundle.ts';
import { tar } from './fixtures/deb.ts';
import { addImage, type LayerSpec, newContent, pack } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const MB = 1_000_000;
const LIMIT = 120 * MB;
/** In MB. Exceeds the limit. */
const LAYER = amount(130, 1000);

const at = temporaryFolder();
let program: string;
beforeAll(async () => {
  program = await bundle('pull-once.ts', at('pull-once.cjs'));
});

/** Pulls in a child process. */
async function pullOnce(layer: LayerSpec) {
  const content = newContent();
  const latest = await addImage(content, [layer]);
  const registry = await startRegistry(content, { tags: { latest } });
  try {
    const store = await mkdtemp(at('store-'));
    const { stdout } = await promisify(execFile)(process.execPath, [program, store, `${registry.host}/a/b`]);
    return JSON.parse(stdout) as { found?: string[]; code?: string; message?: string; peak: number };
  } finally {
    await registry.close();
  }
}

const emulator = { name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() };

describe('the memory of a pull', () => {
  it.each(['none', 'gzip', 'zstd'] as const)(
    `stays under 120 MB for a layer of ${LAYER} MB, packed by %s`,
    async (packing) => {
      const noise = { name: 'usr/lib/noise', bytes: randomBytes(LAYER * MB) };
      const { found, peak } = await pullOnce({ entries: [noise, emulator], packing });
      expect(found).toEqual(['aarch64']);
      expect(peak).toBeLessThan(LIMIT);
    },
    amount(120_000, 600_000),
  );

  it('stays below 120 MB for the largest allowed zstd window; larger windows are refused', async () => {
    const plain = await tar([{ name: 'usr/lib/noise', bytes: randomBytes(60 * MB) }, emulator]);
    const taken = { raw: pack(plain, 'zstd', '--long=23'), mediaType: TYPE, packing: 'none' as const };
    const { found, peak } = await pullOnce(taken);
    expect(found).toEqual(['aarch64']);
    expect(peak).toBeLessThan(LIMIT);
    const refused = { ...taken, raw: pack(plain, 'zstd', '--long=24') };
    expect(await pullOnce(refused)).toMatchObject({
      code: 'BAD_PACKAGE',
      message: expect.stringContaining('(limit: 8388608)'),
    });
  });

  const zeros = pack(Buffer.alloc(64 * MB), 'gzip');
  const layerOf = (...members: readonly Uint8Array[]): LayerSpec => ({
    raw: Buffer.concat(members),
    mediaType: GZIP,
    packing: 'none',
  });

  it('stays below 120 MB for zeros outside of any file, which are refused', async () => {
    const { peak, ...refusal } = await pullOnce(layerOf(...Array(amount(3, 10)).fill(zeros)));
    expect(refusal).toMatchObject({
      code: 'BAD_PACKAGE',
      message: expect.stringContaining('belongs to no file'),
    });
    expect(peak).toBeLessThan(LIMIT);
  });

  it.runIf(STRESS)(
    'stays under 120 MB for an unwanted file of 4.5 GB, and refuses it',
    async () => {
      const large = await tar([{ name: 'x', bytes: '' }]);
      large.write('40000000000 ', 124, 'latin1');
      large.fill(' ', 148, 156);
      const sum = large.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      large.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      const head = pack(large.subarray(0, 512), 'gzip');
      const { peak, ...refusal } = await pullOnce(layerOf(head, ...Array(72).fill(zeros)));
      expect(refusal).toMatchObject({
        code: 'BAD_PACKAGE',
        message: expect.stringContaining('4294967296 bytes'),
      });
      expect(peak).toBeLessThan(LIMIT);
    },
    200_000,
  );
});

const TYPE = 'application/vnd.oci.image.layer.v1.tar+zstd';
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
