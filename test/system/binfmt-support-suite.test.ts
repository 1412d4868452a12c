import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it("passes all assertions of binfmt-support's own test suite", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/binfmt-support-suite.mjs'], {
    encoding: 'utf8',
  });
  expect({ status, stderr, output: stdout }).toEqual({
    status: 0,
    stderr: '',
    output: expect.stringContaining('97 of 97 assertions of binfmt-support 2.2.2 passed'),
  });
});
