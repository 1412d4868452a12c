import { describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';

/** Runs the native echo with a word that a shell creates. */
const echo = (word: string) =>
  binfmtctl(['run', '--', 'echo'], { within: ['sh', '-c', `exec "$@" "$(printf '${word}')"`, 'sh'] });

describe('arguments of a program', () => {
  it('are refused if they are not UTF-8, because Node would change them', async () => {
    const { status, stdout, stderr } = await echo('caf\\351');
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^binfmtctl: a word of the command line is not valid UTF-8.*\nhint: .*\n$/);
  });

  it('may contain the replacement character', async () => {
    expect(await echo('caf\\357\\277\\275')).toEqual({ status: 0, stdout: 'caf\ufffd\n', stderr: '' });
  });
});
