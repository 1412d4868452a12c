import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

describe('the reference in docs/library.md', () => {
  it('describes every export, and is up to date', () => {
    const words = ['scripts/library-reference.mjs', '--check'];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
