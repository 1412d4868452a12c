import { afterEach, describe, expect, it, vi } from 'vitest';
import { supervise } from '../../src/system/supervisor.ts';

afterEach(() => vi.unstubAllEnvs());

/** A set-up that says what it was given to read, and fails. */
const saying = (texts: readonly string[]) =>
  supervise({
    command: ['sh', '-c', 'cat /proc/self/fd/5 /proc/self/fd/6 >&2'],
    environment: process.env,
    setup: { maps: null, texts },
  });

describe('texts for a set-up', () => {
  it.each([['/nonexistent'], ['/proc'], ['/dev/null']])(
    'need no TMPDIR that is fit for files: %s',
    async (folder) => {
      vi.stubEnv('TMPDIR', folder);
      expect(await saying(['first\n', 'second\n'])).toEqual({
        failed: 'namespaces',
        complaint: 'first\nsecond',
      });
    },
  );
});
