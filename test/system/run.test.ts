import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { busyboxFor, emulators, finish, outputOf, putProgram, startActors } from './support/actors.ts';
import { helloForRiscv64 } from './support/hello.ts';
import { inOwnGroup, talkAtTerminal, talkTo } from './support/talk.ts';
import { BINFMT, binfmtctl, removeAllEntries, temporaryFolder } from './support/tools.ts';
import { expectSameTraces, stateOf, tracesOf } from './support/traces.ts';

const actors = startActors();
const folder = temporaryFolder('run');
const at = (name: string): string => join(folder, name);
const everybody = [actors.root, actors.mapped, actors.single] as const;

beforeAll(() => {
  putProgram(at('hello-riscv64'), helloForRiscv64());
  putProgram(at('busybox'), busyboxFor('arm64'));
  for (const name of ['sh', 'cat', 'readlink', 'id', 'pwd']) symlinkSync('busybox', at(name));
});
afterEach(removeAllEntries);

describe('a foreign program without an entry', () => {
  it.each(everybody)('runs for $name', async ({ words }) => {
    const before = tracesOf(folder);
    expect(await outputOf(words('run', at('hello-riscv64')))).toBe('hello from riscv64');
    expect(readdirSync(BINFMT).sort()).toEqual(['register', 'status']);
    await expectSameTraces(before, folder);
  });

  it('runs with nothing installed beforehand, neither an emulator nor a store', async () => {
    const { as, home } = actors.mapped;
    const ran = await finish([...as, process.execPath, resolve('dist/cli.cjs'), 'run', './hello-riscv64'], {
      cwd: folder,
    });
    expect(ran).toMatchObject({ status: 0, stdout: 'hello from riscv64\n' });
    expect(readdirSync(BINFMT).sort()).toEqual(['register', 'status']);
    expect(readdirSync(home)).not.toEqual([]);
  });

  it.each(everybody)('has emulated children, for $name', async ({ words }) => {
    const script = 'uname -m; ./sh -c "./sh -c \'uname -m\'"; ./hello-riscv64; /bin/uname -m';
    const said = await outputOf(words('run', '--arch', 'arm64,riscv64', './busybox', 'sh', '-c', script), {
      cwd: folder,
    });
    const { machine } = await import('node:os');
    expect(said.split('\n')).toEqual(['aarch64', 'aarch64', 'hello from riscv64', machine()]);
  });

  it('accepts several --arch, and --all', async () => {
    const { words } = actors.mapped;
    const script = ['sh', '-c', './hello-riscv64; ./busybox echo and arm64'];
    for (const which of [['--arch', 'riscv64', '--arch', 'arm64'], ['--all']])
      expect(await outputOf(words('run', ...which, '--', ...script), { cwd: folder })).toBe(
        'hello from riscv64\nand arm64',
      );
  });

  it('is found through its #! line', async () => {
    putProgram(at('script'), `#!${at('sh')}\necho "$0" "$@"; uname -m\n`);
    const said = await outputOf(actors.mapped.words('run', './script', 'a b', ''), { cwd: folder });
    expect(said).toBe('./script a b \naarch64');
  });

  it('fails in a removed directory, where no emulator can be searched for', async () => {
    const within = ['sh', '-c', 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"', at('removed')];
    const ran = await finish([...within, ...actors.root.words('run', at('busybox'), 'uname', '-m')]);
    expect(ran).toMatchObject({ status: 125, stdout: '' });
    expect(ran.stderr).toMatch(/the current directory has been removed\nhint: /);
  });

  it('is searched in PATH', async () => {
    const { words } = actors.mapped;
    putProgram(at('hello-in-path'), helloForRiscv64());
    const command = words('run', 'hello-in-path').map((word) =>
      word.startsWith('PATH=') ? `${word}:${folder}` : word,
    );
    expect(await outputOf(command)).toBe('hello from riscv64');
  });

  it.each(everybody)('has the IDs, directory and umask of $name', async ({ as, words }) => {
    const asked = ['sh', '-c', 'id -u; id -g; pwd; umask'];
    const directly = await outputOf([...as, ...asked], { cwd: folder });
    expect(await outputOf(words('run', './busybox', ...asked), { cwd: folder })).toBe(directly);
  });

  it.each(everybody)(
    'has the variables of $name, also those that no shell could set',
    async ({ as, words }) => {
      const functions = ['BASH_FUNC_f%%=() { :; }', 'npm_config_//registry/:x=1', 'a.b=', '1x=2'];
      const changed = ['IFS=x', 'OPTIND=7', 'PPID=3', '_=y', 'PWD=/a b', "OLDPWD='", 'SHLVL=x', 'LINENO=5'];
      const variables = [...functions, ...changed, 'text=two\nlines'];
      const given = [...as, ...variables];
      const directly = await outputOf([...given, 'env'], { cwd: folder });
      const command = [...given, ...words('run', './busybox', 'env').slice(as.length)];
      const sorted = (text: string): readonly string[] => text.split('\n').sort();
      expect(sorted(await outputOf(command, { cwd: folder }))).toEqual(sorted(directly));
    },
  );
});

describe('the interface of the program', () => {
  const sh = (script: string): readonly string[] =>
    actors.mapped.words('run', './busybox', 'sh', '-c', script);

  it.each([0, 1, 42, 125, 126, 127, 255])('includes its exit status %i', async (status) => {
    expect(await finish(sh(`exit ${status}`), { cwd: folder })).toMatchObject({ status, stderr: '' });
  });

  it.each([
    ['TERM', 143],
    ['KILL', 137],
    ['INT', 130],
    ['HUP', 129],
    ['SEGV', 139],
  ] as const)('includes its end by SIG%s, as %i', async (signal, status) => {
    expect((await finish(sh(`kill -${signal} $$`), { cwd: folder })).status).toBe(status);
  });

  it('includes its streams, byte for byte', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 1 << 18 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
    );
    writeFileSync(at('bytes'), bytes);
    const script = `exec 3<>${at('out')}; "$@" < ${at('bytes')} > ${at('out')} 2> ${at('err')}`;
    const command = sh('./cat; ./cat bytes >&2');
    const { status } = await finish(['sh', '-c', script, 'sh', ...command], { cwd: folder });
    expect(status).toBe(0);
    expect(readFileSync(at('out')).equals(bytes)).toBe(true);
    expect(readFileSync(at('err')).equals(bytes)).toBe(true);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGALRM', 'SIGPWR', 'SIGWINCH'] as const)(
    'includes a %s sent to run',
    async (signal) => {
      const name = signal.slice(3);
      const talk = talkTo(
        sh(`trap 'echo got ${name}; exit 9' ${name}; echo ready; while :; do ./busybox sleep 0.1; done`),
        {
          cwd: folder,
        },
      );
      await talk.hear(/ready/);
      talk.kill(signal);
      expect(await talk.ended).toMatchObject({ status: 9, stdout: `ready\ngot ${name}\n`, stderr: '' });
    },
  );

  it('includes a change of its terminal’s size, once', async () => {
    const script = 'trap "echo got; exit 9" WINCH; /bin/stty cols 77; while :; do ./busybox sleep 0.1; done';
    const { status, stdout } = await talkAtTerminal(sh(script), { cwd: folder }).ended;
    expect({ status, stdout }).toEqual({ status: 9, stdout: 'got\r\n' });
  });

  it('excludes signals that nohup after `--` ignores', async () => {
    const program = ['nohup', './busybox', 'sh', '-c', 'echo ready; read line; echo "read $line"'];
    const talk = talkTo(actors.mapped.words('run', '--arch', 'arm64', '--', ...program), { cwd: folder });
    await talk.hear(/ready/);
    talk.kill('SIGHUP');
    talk.say('on\n');
    expect(await talk.ended).toMatchObject({ status: 0, stdout: 'ready\nread on\n' });
  });

  it('includes stop and continue', async () => {
    const talk = talkTo(inOwnGroup(sh('echo $$; read line; echo "read $line"')), { cwd: folder });
    const pid = Number(await talk.hear(/^\d+(?=\n)/));
    talk.kill('SIGTSTP');
    await expect.poll(() => stateOf(talk.pid)).toBe('T');
    await expect.poll(() => stateOf(pid)).toBe('T');
    talk.kill('SIGCONT');
    talk.say('on\n');
    expect((await talk.ended).stdout).toMatch(/read on\n$/);
  });
});

describe('run, killed', () => {
  it.each(everybody)('ends the program with it, for $name', async ({ words }) => {
    const before = tracesOf(folder);
    const talk = talkTo(words('run', './busybox', 'sh', '-c', 'echo runs; exec ./busybox sleep 1000'), {
      cwd: folder,
    });
    await talk.hear(/runs/);
    talk.kill('SIGKILL');
    expect((await talk.ended).signal).toBe('SIGKILL');
    await expectSameTraces(before, folder);
  });
});

describe('a dynamic program', () => {
  it('finds loader and libraries in --sysroot', async () => {
    const { root, words } = actors.mapped;
    const tree = await root('arm64');
    const said = await outputOf(
      words('run', '--sysroot', tree, join(tree, 'usr/bin/dpkg'), '--print-architecture'),
    );
    expect(said).toBe('arm64');
  });

  it('is refused without it, in a line that names the missing file', async () => {
    const { root, words } = actors.mapped;
    const ran = await finish(words('run', join(await root('arm64'), 'usr/bin/dpkg'), '--version'));
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toMatch(/ld-linux-aarch64/);
  });
});

describe('if the program already runs', () => {
  it('sets up nothing', async () => {
    const store = join(actors.root.home, 'store');
    expect(binfmtctl(store, 'install', 'arm64', '--source', emulators()).status).toBe(0);
    const script = './readlink /proc/self/ns/mnt; ./readlink /proc/self/ns/user';
    for (const { words } of everybody) {
      const all = words('run', './busybox', 'sh', '-c', script);
      // An explicit source takes precedence over the machine's entry.
      const named = all.indexOf('--source');
      const said = await outputOf(all.toSpliced(named, 2), { cwd: folder });
      expect(said.split('\n')).toEqual(['mnt', 'user'].map((each) => readlinkSync(`/proc/self/ns/${each}`)));
    }
  });

  it('starts a native program directly', async () => {
    const said = await outputOf(actors.mapped.words('run', '/bin/sh', '-c', 'readlink /proc/self/ns/mnt'));
    expect(said).toBe(readlinkSync('/proc/self/ns/mnt'));
  });
});

describe('a program that cannot run', () => {
  const { words } = actors.mapped;
  beforeAll(() => {
    mkdirSync(at('folder'));
    writeFileSync(at('plain'), helloForRiscv64(), { mode: 0o644 });
    putProgram(at('lost'), '#!/no/such/interpreter\n');
    putProgram(at('loop'), `#!${at('loop')}\n`);
  });
  it.each([
    ['a missing program', './missing', 127],
    ['a program that is not in PATH', 'surely-not-there', 127],
    ['a file that is not executable', './plain', 126],
    ['a folder', './folder', 126],
    ['a script without its interpreter', './lost', 127],
    ['a script that is its own interpreter', './loop', 126],
  ])('gives a status and one line: %s', async (_, program, status) => {
    const before = tracesOf(folder);
    const ran = await finish(words('run', program), { cwd: folder });
    expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status, stdout: '' });
    // The tool that executes the program reports errors of the kernel.
    expect(ran.stderr).toMatch(/^\w+: .+\n(hint: .+\n)?$/);
    await expectSameTraces(before, folder);
  });
});
