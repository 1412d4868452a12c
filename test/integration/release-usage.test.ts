import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const release = (...words: readonly string[]) =>
  spawnSync(process.execPath, ['scripts/release.mjs', ...words], { encoding: 'utf8' });

it('prints the options of the release script on request, and one line for a wrong one', () => {
  expect(release('--help')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^usage: node scripts\/release\.mjs OUT/),
    stderr: '',
  });
  expect(release('--nope')).toMatchObject({
    status: 2,
    stderr: "release: Unknown option '--nope'; --help prints the options\n",
  });
});
