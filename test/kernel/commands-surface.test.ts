import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, entries, temporaryFolder } from './support/machine.ts';

const COMMANDS = [
  'install',
  'uninstall',
  'status',
  'verify',
  'lock',
  'bundle',
  'store list',
  'store prune',
  'catalogue list',
  'catalogue show',
  'catalogue lint',
];

/** An escape sequence: a colour, or a move of the cursor. */
const ESCAPE = '\u001b';

const INSTALL = ['install', 'sh4', '--source'];

/** script(1) of util-linux gives the command a terminal. */
const TERMINAL = ['sh', '-c', 'exec script -qec "$*" /dev/null', 'sh'];

describe.concurrent('help and version', () => {
  it('shows every command with a summary, and first examples', async () => {
    const { status, stdout, stderr } = await binfmtctl(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of [
      'install',
      'uninstall',
      'status',
      'verify',
      'lock',
      'bundle',
      'store',
      'catalogue',
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} .*\\S {2,}\\S|^ {2}${command} {2,}\\S`, 'm'));
    }
    expect(stdout).toContain('\nExamples:\n  binfmtctl install arm64 ');
  });

  it.each(COMMANDS)('explains %s with examples and the options that every command has', async (command) => {
    const { status, stdout, stderr } = await binfmtctl([...command.split(' '), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('Examples:')[1]?.split(`  binfmtctl ${command}`).length).toBeGreaterThan(2);
    for (const option of ['--json', '--quiet', '--verbose', '--no-color', '--binfmt-dir', '--store'])
      expect(stdout).toContain(`  ${option} `);
    expect(stdout).not.toContain(ESCAPE);
  });

  it('prints the version of the package and nothing else', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const expected = { status: 0, stdout: `${version}\n`, stderr: '' };
    expect(await Promise.all([binfmtctl(['--version']), binfmtctl(['-V'])])).toEqual([expected, expected]);
  });
});

describe.concurrent('output', () => {
  const store = temporaryFolder();
  const documents: [schema: string, words: readonly string[], status: number][] = [
    ['status/2', ['status'], 0],
    ['verify/2', ['verify'], 0],
    ['verify/2', ['verify', 'riscv64'], 1],
    ['uninstall/1', ['uninstall', '--all'], 0],
    ['install/1', ['install', 'riscv64', '--dry-run'], 0],
    ['store-list/1', ['store', 'list'], 0],
    ['store-prune/1', ['store', 'prune', '--dry-run'], 0],
    ['catalogue-list/1', ['catalogue', 'list'], 0],
    ['profile/1', ['catalogue', 'show', 'arm64'], 0],
    ['lint/1', ['catalogue', 'lint'], 0],
    ['error/1', ['install', 'arm46'], 2],
    ['error/1', ['install', '--nonsense'], 2],
    ['error/1', ['install', 'riscv64', '--source', `path:${store}/none`], 1],
    ['error/1', ['status', '--binfmt-dir', '/none'], 3],
  ];

  it.each(documents)('is one %s document for %j', async (schema, words, status) => {
    const ran = await binfmtctl([...words, '--json', '--store', store]);
    expect(ran.status).toBe(status);
    expect(JSON.parse(ran.stdout)).toMatchObject({ schema: `binfmtctl/${schema}` });
    expect(ran.stdout).toMatch(/\}\n$/);
  });

  it.each([
    [['status'], 0],
    [['verify', 'riscv64'], 1],
    [['install', 'arm46'], 2],
    [['catalogue', 'list'], 0],
  ])('of %j has no colours and no cursor moves where it is no terminal', async (words, status) => {
    // Node itself would colour for FORCE_COLOR; a pipe stays a pipe.
    const ran = await binfmtctl([...words, '--store', store], { env: { FORCE_COLOR: '1', TERM: 'xterm' } });
    expect(ran.status).toBe(status);
    expect(ran.stdout + ran.stderr).not.toContain(ESCAPE);
  });

  it('is in colour for a terminal alone, and there too not with NO_COLOR or --no-color', async () => {
    const shown = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      (await binfmtctl(words, { within: TERMINAL, env: { TERM: 'xterm', ...env } })).stdout;
    const [coloured, environment, option] = await Promise.all([
      shown(['install', 'arm46']),
      shown(['install', 'arm46'], { NO_COLOR: '1' }),
      shown(['install', 'arm46', '--no-color']),
    ]);
    expect(coloured).toContain(`${ESCAPE}[31mbinfmtctl:`);
    for (const plain of [environment, option]) {
      expect(plain).toContain('binfmtctl: unknown architecture');
      expect(plain).not.toContain(ESCAPE);
    }
  });

  it('keeps the table for people to columns, and says what to do where there is nothing', async () => {
    const { status, stdout, stderr } = await binfmtctl(['status', '--store', store]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`\`sudo binfmtctl install arm64 --store ${store}\` registers one`);
  });

  it('has an error in one line, whatever is in the name of a file', async () => {
    const { stderr } = await binfmtctl([...INSTALL, `path:${store}/a\n${ESCAPE}[2Jb`, '--store', store]);
    expect(stderr).toMatch(/^binfmtctl: .*a; \\x1b\[2Jb: no such file\nhint: .*\n$/m);
  });

  it('does not end what was begun where nobody reads it', async () => {
    const own = join(store, 'unread');
    const words = [...INSTALL, `dir:${emulatorFolder()}`, '--store', own];
    expect((await binfmtctl(words, { within: ['sh', '-c', '"$@" 2> /dev/full', 'sh'] })).status).toBe(0);
    const closed = [
      'sh',
      '-c',
      '{ while (echo) 2>/dev/null; do :; done; "$@" 2>&1; echo $? >&2; } | :',
      'sh',
    ];
    const removed = await binfmtctl(['uninstall', '--all', '--store', own], { within: closed });
    expect([removed.stderr, entries()]).toEqual(['0\n', {}]);
  });

  it('fails without a stack trace where it cannot be written', async () => {
    const full = ['sh', '-c', '"$@" > /dev/full', 'sh'];
    for (const words of [['status', '--store', store], ['binfmt'], ['systemd-binfmt', '--help']])
      expect(await binfmtctl(words, { within: full })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^binfmtctl: cannot write to standard output: .*\nhint: .*\n$/),
      });
  });

  it('says where an error comes from with --verbose alone', async () => {
    const [plain, verbose] = await Promise.all([
      binfmtctl(['install', 'arm46']),
      binfmtctl(['install', 'arm46', '--verbose']),
    ]);
    expect(plain.stderr).not.toMatch(/^ {4}at /m);
    expect(verbose.stderr).toMatch(/^ {4}at /m);
  });
});
