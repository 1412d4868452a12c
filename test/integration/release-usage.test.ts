import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const release = (...words: readonly string[]) =>
  spawnSync(process.execPath, ['scripts/release.mjs', ...words], { encoding: 'utf8' });

it('release.mjs prints its usage for --help, and one line for an unknown option', () => {
  expect(release('--help')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^usage: node scripts\/release\.mjs OUT/),
    stderr: '',
  });
  expect(release('--nope')).toMatchObject({
    status: 2,
    stderr: "release: Unknown option '--nope'; see --help\n",
  });
});
