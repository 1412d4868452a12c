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

describe('run with --json', () => {
  it('leaves standard output to the program', async () => {
    const { status, stdout, stderr } = await binfmtctl(['run', '--json', '--', 'echo', 'printed']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'printed\n', stderr: '' });
  });

  it.each([
    [['run', '--json', '--', '/none/such'], 127, 'PROGRAM_NOT_FOUND'],
    [['--json', 'run', '--net', 'x', '--', 'echo'], 125, 'USAGE'],
    [['enter', '--json', '--quiet', '/none/such'], 125, 'BAD_SOURCE'],
  ])('prints its own failure as one document, and nothing else: %j', async (words, expected, code) => {
    const { status, stdout, stderr } = await binfmtctl(words);
    const isParsed = code !== 'USAGE';
    expect(status).toBe(expected);
    expect(isParsed ? stdout : '').toBe('');
    expect(JSON.parse(isParsed ? stderr : stdout)).toMatchObject({ schema: 'binfmtctl/error/1', code });
  });
});
