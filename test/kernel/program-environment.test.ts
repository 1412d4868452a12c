/** The variables of programs in `run` and `enter`, and who else can see them. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder, temporaryFolder } from './support/machine.ts';

const directory = temporaryFolder();
const folder = (...parts: string[]): string => join(directory, ...parts);
const root = (...parts: string[]): string => folder('root', ...parts);
const arm64 = folder('busybox-arm64');

beforeAll(async () => {
  const [native = ''] = unpackPackages('busybox-static');
  const [foreign = ''] = unpackPackages('busybox-static:arm64');
  for (const place of ['bin', 'proc', 'mnt', 'tmp']) mkdirSync(root(place), { recursive: true });
  copyFileSync(join(native, 'bin/busybox'), root('bin/busybox'));
  for (const name of ['sh', 'echo', 'grep', 'ls', 'wc']) symlinkSync('busybox', root('bin', name));
  copyFileSync(join(foreign, 'bin/busybox'), arm64);
  mkdirSync(folder('debug'));
  // Caches the emulator.
  expect(await binfmtctl(runWith('store', arm64, 'true'))).toMatchObject({ status: 0, stderr: '' });
});

/** With a store, which may be new. */
const runWith = (store: string, ...program: string[]) => [
  ...['run', '--store', folder(store), '--source', `dir:${emulatorFolder()}`, '--', ...program],
];
const run = (...words: string[]) => ['run', '--store', folder('store'), '--', ...words];
const enter = (options: readonly string[], ...program: string[]) => [
  ...['enter', '--quiet', '--store', folder('store'), '--net', 'none', ...options],
  ...[root(), '--', ...program],
];
/** Sets the variables with a shell, because Node only passes on UTF-8. */
const having = (...variables: string[]) => [
  ...['sh', '-c', `RAW=$(printf '\\377\\376x'); export RAW; exec env -- "$@"`, 'sh', ...variables],
];
/** Prints the environment that the shell was started with. */
const SHOW = '"$BUSYBOX" od -An -v -tx1 "/proc/$$/environ"; exit';
const environmentIn = (hex: string): readonly string[] =>
  Buffer.from(hex.replace(/\s/g, ''), 'hex').toString('latin1').split('\0');

describe('the variables of a program', () => {
  const odd = ['MY-PASS=hunter2', 'BASH_FUNC_f%%=() { :; }', 'IFS=x', 'PWD=/no', 'EMPTY='];
  const names = [...odd.map((each) => each.replace(/=.*/, '')), 'RAW', 'BUSYBOX'];
  const native = root('bin/busybox');

  it.each([
    ['run', run(native, 'sh', '-c', SHOW), native],
    ['run in namespaces', run(arm64, 'sh', '-c', SHOW), native],
    [
      'enter',
      enter(
        names.map((each) => `--env=${each}`),
        'sh',
        '-c',
        SHOW,
      ),
      '/bin/busybox',
    ],
  ])('are those of the caller byte for byte: %s', async (_, words, busybox) => {
    const ran = await binfmtctl(words, { within: having(...odd, `BUSYBOX=${busybox}`) });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
    expect(environmentIn(ran.stdout)).toEqual(expect.arrayContaining([...odd, 'RAW=\xff\xfex']));
  });

  it('may be large', async () => {
    const large = Array.from({ length: 20 }, (_, index) => `odd.${index}=${'x'.repeat(8192)}`);
    const options = large.map((_, index) => `--env=odd.${index}`);
    const words = enter(options, 'sh', '-c', 'wc -c </proc/$$/environ; exit');
    const { status, stdout } = await binfmtctl(words, { within: having(...large) });
    expect(status).toBe(0);
    expect(Number(stdout)).toBeGreaterThan(20 * 8192);
  });

  it('appear in no command line that others can read', async () => {
    const bind = ['--bind', '/proc:/mnt', '--env', 'MY-PASS'];
    const script = 'grep -c "hunter[2]" /proc/$$/environ; grep -ls "hunter[2]" /mnt/[0-9]*/cmdline; echo end';
    const words = enter(bind, 'sh', '-c', script);
    const env = { 'MY-PASS': 'hunter2' };
    expect(await binfmtctl(words, { env })).toEqual({ status: 0, stdout: '1\nend\n', stderr: '' });
  });
});

describe('--env-fd', () => {
  const given = (text: string) => ['sh', '-c', `printf %s '${text}' | exec "$@" 4<&0 </dev/null`, 'sh'];
  const words = enter(['--env-fd', '4'], 'sh', '-c', 'echo "$GIVEN"');

  it('passes further variables', async () => {
    const ran = await binfmtctl(words, { within: given('["GIVEN=a word"]') });
    expect(ran).toEqual({ status: 0, stdout: 'a word\n', stderr: '' });
  });

  it('is no standard stream', async () => {
    const ran = await binfmtctl(enter(['--env-fd', '0'], 'echo'), { within: given('["GIVEN=a word"]') });
    expect(ran).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^binfmtctl: invalid value for --env-fd: "0" /),
    });
  });

  it.each(['', '{}', '[1]'])('is refused with %j', async (text) => {
    const { status, stderr } = await binfmtctl(words, { within: given(text) });
    expect(status).toBe(125);
    expect(stderr).toMatch(/^binfmtctl: --env-fd 4: not a JSON array of variables\nhint: .*\n$/);
  });
});

describe('variables for the loader of programs', () => {
  // Every dynamic program leaves a file named after it.
  const debug = ['LD_DEBUG=libs', `LD_DEBUG_OUTPUT=${folder('debug/ld')}`];
  const loaded = (): readonly string[] =>
    readdirSync(folder('debug'))
      .flatMap(
        (name) => readFileSync(folder('debug', name), 'utf8').match(/(?<=initialize program: ).*/) ?? [],
      )
      .filter((program) => program !== process.execPath);

  beforeEach(() => {
    rmSync(folder('debug'), { recursive: true });
    mkdirSync(folder('debug'));
  });

  it.each([
    ['run', run(root('bin/busybox'), 'echo', 'ran')],
    ['run in namespaces', run(arm64, 'echo', 'ran')],
    ['run with a new store', runWith('new', arm64, 'echo', 'ran')],
    ['enter', enter([], 'echo', 'ran')],
  ])('affect the program and no tool before it: %s', async (_, words) => {
    const isEnter = words[0] === 'enter';
    const options = isEnter ? debug.map((each) => `--env=${each}`) : [];
    const ran = await binfmtctl(words.toSpliced(1, 0, ...options), {
      within: isEnter ? [] : ['env', ...debug],
    });
    expect(ran).toEqual({ status: 0, stdout: 'ran\n', stderr: '' });
    expect(loaded()).toEqual([]);
  });

  it('affect the program', async () => {
    expect((await binfmtctl(run('/bin/true'), { within: ['env', ...debug] })).status).toBe(0);
    expect(loaded()).toEqual(['/bin/true']);
  });
});

describe('the file that contains arguments and variables', () => {
  it('is closed in the program', async () => {
    // The last descriptor is that of the listed directory.
    for (const words of [
      run(root('bin/busybox'), 'ls', '/proc/self/fd'),
      run(arm64, 'ls', '/proc/self/fd'),
      enter([], 'ls', '/proc/self/fd'),
    ])
      expect(await binfmtctl(words)).toMatchObject({ status: 0, stdout: '0\n1\n2\n3\n' });
  });

  it('works with a noexec TMPDIR', async () => {
    const noexec = ['/dev/shm', root('tmp')].map((each) => `mount -t tmpfs -o noexec none ${each}`);
    const within = inShell(`${noexec.join(' && ')} && export TMPDIR=${root('tmp')}`);
    const ran = await binfmtctl(run(arm64, 'echo', 'ran'), { within });
    expect(ran).toEqual({ status: 0, stdout: 'ran\n', stderr: '' });
  });

  describe('without any directory for it', () => {
    const noexec = ['/dev/shm', '/run', '/tmp', '/var/tmp'].map((each) =>
      [`mount --bind ${each} ${each}`, `mount -o remount,bind,noexec ${each}`].join(' && '),
    );
    // The directory of the tests is below /tmp, but not noexec.
    const within = inShell(
      [
        `mount --bind ${directory} /mnt`,
        ...noexec,
        'export HOME=/none XDG_RUNTIME_DIR=/none TMPDIR=/tmp',
      ].join(' && '),
    );
    const moved = (words: readonly string[]) => words.map((word) => word.replace(directory, '/mnt'));

    it('a program that needs no setup is started anyway', async () => {
      const script = 'trap "echo caught; exit 5" TERM; kill -TERM $PPID; while :; do sleep 0.01; done';
      const words = moved(run(root('bin/busybox'), 'sh', '-c', script));
      expect(await binfmtctl(words, { within })).toEqual({ status: 5, stdout: 'caught\n', stderr: '' });
    });

    it('the emulator runs a program directly', async () => {
      const own = folder('emulators');
      mkdirSync(own);
      copyFileSync(join(emulatorFolder(), 'qemu-aarch64-static'), join(own, 'qemu-aarch64-static'));
      const words = ['run', '--store', folder('moved'), '--source', `dir:${own}`, '--', arm64, 'echo', 'ran'];
      const { status, stdout, stderr } = await binfmtctl(moved(words), { within });
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
      expect(stderr).toMatch(
        /^warning: emulating the program but not its child processes.*: cannot create an executable temporary file in any of .*TMPDIR/,
      );
    });

    it('enter fails and names the remedy', async () => {
      const { status, stderr } = await binfmtctl(moved(enter([], 'echo', 'ran')), { within });
      expect(status).toBe(125);
      expect(stderr).toMatch(
        /^binfmtctl: cannot create an executable temporary file in any of .*\nhint: .*TMPDIR/,
      );
    });
  });
});

describe('a program that the kernel does not execute', () => {
  const program = root('bin/odd');
  const words = { run: run(program, 'a b'), enter: enter([], '/bin/odd', 'a b') };

  it.each(['run', 'enter'] as const)('runs in a shell if it is text: %s', async (command) => {
    writeFileSync(program, 'echo "$1"\n', { mode: 0o755 });
    expect(await binfmtctl(words[command])).toEqual({ status: 0, stdout: 'a b\n', stderr: '' });
  });

  it.each(['run', 'enter'] as const)('is refused if it is binary: %s', async (command) => {
    writeFileSync(program, 'echo \0 ran\n', { mode: 0o755 });
    const { status, stdout, stderr } = await binfmtctl(words[command]);
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
    const why = { run: 'a file of unknown format, not an executable', enter: 'Exec format error' }[command];
    expect(stderr).toMatch(new RegExp(`^binfmtctl: cannot execute .*/bin/odd: ${why}\nhint: .*\n$`));
  });

  it('is refused if its loader is missing', async () => {
    copyFileSync('/bin/true', root('bin/dynamic'));
    const { status, stderr } = await binfmtctl(enter([], '/bin/dynamic'));
    expect(status).toBe(127);
    expect(stderr).toMatch(
      /^binfmtctl: cannot execute \/bin\/dynamic: No such file or directory\nhint: .*loader.*\n$/,
    );
  });
});
