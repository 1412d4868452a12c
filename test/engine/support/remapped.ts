/** An engine with userns-remap: image files belong to user 100000, also in a container with --userns=host. */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, type Ran, startEngine } from '../../../scripts/engine.mjs';

/** `archive` has the image, and `folder` is where the engine keeps what it needs. */
export function describeRemapped(image: string, archive: () => string, folder: () => string): void {
  describe('docker run on an engine with userns-remap', () => {
    let engine: Engine;
    const run = (options: readonly string[], ...words: readonly string[]): Ran =>
      engine.docker('run', '--rm', '--privileged', '--network', 'none', ...options, image, ...words);

    beforeAll(async () => {
      mkdirSync(folder());
      for (const path of [dirname(folder()), folder()]) chmodSync(path, 0o711);
      engine = await startEngine(folder(), { remap: true });
      expect(engine.docker('load', '--input', archive())).toMatchObject({ status: 0 });
    });
    afterAll(() => engine?.stop());

    it('installs as documented, with --userns=host', () => {
      const owner = ['--userns=host', '--entrypoint', '/usr/libexec/binfmtctl/busybox'];
      expect(run(owner, 'stat', '-c', '%u', '/usr/bin/qemu-aarch64').stdout).toBe('100000\n');
      const ran = run(['--userns=host'], 'install', 'arm64', '--quiet');
      expect(ran).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^\S arm64 .*registered and verified/),
      });
      expect(run(['--userns=host'], '--uninstall', 'qemu-*').status).toBe(0);
    });

    it('refuses a volume, which other containers can change, and suggests no chmod or chown', () => {
      const ran = run(['--userns=host', '-v', 'store:/var/lib/binfmtctl'], 'install', 'arm64');
      expect(ran).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^hint: use --store DIR with a directory that other users cannot change\nbinfmtctl: unsafe store .* belongs to user 100000\n$/,
        ),
      });
    });
  });
}
