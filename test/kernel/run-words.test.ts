import { describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';

/** Runs echo of this machine with a word that a shell makes. */
const echo = (word: string) =>
  binfmtctl(['run', '--', 'echo'], { within: ['sh', '-c', `exec "$@" "$(printf '${word}')"`, 'sh'] });

describe('words for a program', () => {
  it('are refused where they are no text, of which Node would make another one', async () => {
    const { status, stdout, stderr } = await echo('caf\\351');
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^binfmtctl: a word of the command line is not valid UTF-8.*\nhint: .*\n$/);
  });

  it('may have the character that Node would put there', async () => {
    expect(await echo('caf\\357\\277\\275')).toEqual({ status: 0, stdout: 'caf\ufffd\n', stderr: '' });
  });
});
