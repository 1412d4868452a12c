/** What `docker run` may be given besides --privileged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Ran } from '../../../scripts/engine.mjs';
import type { BorrowedHost } from './host.ts';

export function describeCircumstances(image: string, engine: () => Engine, host: () => BorrowedHost): void {
  const run = (options: readonly string[], ...words: readonly string[]): Ran =>
    engine().docker('run', '--rm', '--privileged', '--network', 'none', ...options, image, ...words);

  describe('docker run', () => {
    beforeAll(() => host().mount());
    afterAll(() => void run([], '--uninstall', 'qemu-*'));

    it('installs with --read-only and a tmpfs that takes no programs', () => {
      const ran = run(['--read-only', '--tmpfs', '/tmp'], '--reset', '-p', 'yes', '-c', 'yes');
      expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(/^installing: aarch64 OK$/m) });
    });

    it('names --user if root is missing', () => {
      expect(run(['--user', '1000'], 'install', 'arm64')).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(/^hint: .*without --user.*\nbinfmtctl: no binfmt_misc /),
      });
    });
  });
}
