/** docker/setup-qemu-action with our image: the commands that its program runs, in their order. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Ran } from '../../../scripts/engine.mjs';
import { type BorrowedHost, entryNames } from './host.ts';

interface Inputs {
  readonly image: string;
  readonly platforms: string;
  readonly reset: boolean;
}

/**
 * Does what src/main.ts of the action does after it has pulled the image; returns its output `platforms`.
 *
 * @throws the last line of standard error, which is all that the action shows.
 */
export async function setUpQemu(engine: Engine, { image, platforms, reset }: Inputs): Promise<string> {
  const docker = async (...words: readonly string[]): Promise<Ran> => {
    const ran = await engine.dockerBeside(...words);
    if (ran.status === 0 || ran.stderr === '') return ran;
    throw new Error(/(.*)\s*$/.exec(ran.stderr)?.[0]?.trim());
  };
  const run = ['run', '--rm', '--privileged', image];
  await docker('version');
  await docker('info');
  await docker('image', 'inspect', image);
  await docker(...run, '--version');
  if (reset) await docker(...run, '--uninstall', 'qemu-*');
  await docker(...run, '--install', platforms);
  const { stdout } = await docker(...run);
  return JSON.parse(stdout.trim()).supported.join(',');
}

export function describeSetupQemuAction(image: string, engine: () => Engine, host: () => BorrowedHost): void {
  const own = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
  const inputs = { image, platforms: 'arm64,riscv64', reset: true };
  const EXPECTED = new RegExp(`^${own},(.*,)?linux/arm64,linux/riscv64(,.*)?$`);
  const removeAll = (): void =>
    void engine().docker('run', '--rm', '--privileged', image, '--uninstall', 'qemu-*');

  describe('docker/setup-qemu-action with reset', () => {
    beforeAll(() => host().mount());
    afterEach(removeAll);

    it('succeeds on a machine without entries', async () => {
      expect(entryNames().filter((name) => name.startsWith('qemu-'))).toEqual([]);
      expect(await setUpQemu(engine(), inputs)).toMatch(EXPECTED);
      expect(entryNames()).toEqual(expect.arrayContaining(['qemu-aarch64', 'qemu-riscv64']));
    });

    it('succeeds in two jobs at once', async () => {
      // The other job's reset may remove what this one lists at last.
      const lists = await Promise.all([setUpQemu(engine(), inputs), setUpQemu(engine(), inputs)]);
      for (const list of lists) expect(list.split(',')[0]).toBe(own);
      expect(lists.some((list) => EXPECTED.test(list))).toBe(true);
      expect(entryNames()).toEqual(expect.arrayContaining(['qemu-aarch64', 'qemu-riscv64']));
    });

    it('shows the error itself if an architecture is unknown', async () => {
      await expect(setUpQemu(engine(), { ...inputs, platforms: 'none', reset: false })).rejects.toThrow(
        /^error: none: unknown architecture/,
      );
    });
  });
}
