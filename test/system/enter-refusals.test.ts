/** Errors for invalid roots and programs, and on unsupported machines: one clear line, and no mount or file left behind. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { busyboxFor, finish, outputOf, putProgram, startActors } from './support/actors.ts';
import { afterMounts, underSeccomp, without } from './support/circumstances.ts';
import { helloForRiscv64 } from './support/hello.ts';
import type { End } from './support/talk.ts';
import { temporaryFolder } from './support/tools.ts';
import { expectSameTraces, tracesOf } from './support/traces.ts';

const { root, mapped, single } = startActors();
const folder = temporaryFolder('refusals');
const at = (name: string): string => join(folder, name);

const LINE = /^binfmtctl: .+\n(hint: .+\n)?$/;
const MOUNT_POINTS = ['proc', 'sys', 'dev', 'run', 'tmp'];

/** A small root: busybox, and empty mount points. */
function smallRoot(name: string, shell: Uint8Array, folders: readonly string[] = MOUNT_POINTS): string {
  const tree = at(name);
  mkdirSync(join(tree, 'bin'), { recursive: true });
  for (const each of folders) mkdirSync(join(tree, each), { recursive: true });
  mkdirSync(join(tree, 'etc'));
  for (const each of ['resolv.conf', 'hosts']) writeFileSync(join(tree, 'etc', each), '');
  putProgram(join(tree, 'bin/busybox'), shell);
  for (const each of ['sh', 'uname', 'id', 'cat', 'ls', 'touch'])
    symlinkSync('busybox', join(tree, 'bin', each));
  return own(tree);
}

function own(tree: string): string {
  execFileSync('chown', ['-R', '-h', `${mapped.idOf(0)}:${mapped.idOf(0)}`, tree]);
  return tree;
}

const enter = (tree: string, ...program: string[]): readonly string[] =>
  mapped.words('enter', tree, ...(program.length > 0 ? ['--', ...program] : []));

let arm64: string;
beforeAll(() => {
  arm64 = smallRoot('arm64', busyboxFor('arm64'));
});

describe('no root', () => {
  const refused = async (words: readonly string[], message: RegExp): Promise<void> => {
    const before = tracesOf(folder);
    const ran = await finish(words);
    expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 125, stdout: '' });
    expect(ran.stderr).toMatch(LINE);
    expect(ran.stderr).toMatch(message);
    await expectSameTraces(before, folder);
  };

  it('does not exist', () => refused(enter(at('missing'), 'true'), /missing/));

  it('is a file that is not an archive', async () => {
    writeFileSync(at('file'), 'no archive\n');
    await refused(enter(at('file'), 'true'), /file/);
  });

  it('is an empty directory', async () => {
    mkdirSync(at('empty'));
    await refused(enter(own(at('empty'))), /empty/);
  });

  it('is a directory without a shell, and no program is named', async () => {
    mkdirSync(at('shell-less/etc'), { recursive: true });
    writeFileSync(at('shell-less/etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
    await refused(enter(own(at('shell-less'))), /shell/);
  });

  it('has a shell that is a broken link out of the root', async () => {
    const tree = smallRoot('outside', busyboxFor('arm64'));
    execFileSync('rm', [join(tree, 'bin/sh')]);
    symlinkSync(at('arm64/bin/busybox'), join(tree, 'bin/sh'));
    await refused(enter(own(tree)), /sh/);
  });

  it('is a directory that the user may not read', async () => {
    const tree = smallRoot('closed', busyboxFor('arm64'));
    chownSync(tree, 0, 0);
    chmodSync(tree, 0o700);
    await refused(enter(tree), /closed/);
  });
});

describe('a program of the root', () => {
  it.each([
    ['that is missing', '/bin/missing', 127],
    ['that is not in PATH', 'missing', 127],
    ['that is not executable', '/etc/plain', 126],
    ['that is a directory', '/etc', 126],
  ])('%s: %s', async (_, program, status) => {
    writeFileSync(join(arm64, 'etc/plain'), 'plain\n', { mode: 0o644 });
    const before = tracesOf(folder);
    const ran = await finish(enter(arm64, program));
    expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status, stdout: '' });
    expect(ran.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(ran.stderr).toContain(program);
    await expectSameTraces(before, folder);
  });
});

describe('other roots', () => {
  const entered = async (words: readonly string[]): Promise<End> => {
    const before = tracesOf(folder);
    const ran = await finish(words);
    expect(ran.status, ran.stderr).toBe(0);
    await expectSameTraces(before, folder);
    return ran;
  };

  it('has the native architecture, and is entered without emulation, with a warning', async () => {
    const [busybox = ''] = unpackPackages('busybox-static');
    const tree = smallRoot('native', readFileSync(join(busybox, 'bin/busybox')));
    const ran = await entered(enter(tree, 'uname', '-m'));
    expect(ran.stdout).toBe(`${machine()}\n`);
    expect(ran.stderr).toMatch(/emulat/);
  });

  it('has programs of several architectures', async () => {
    const tree = smallRoot('mixed', busyboxFor('arm64'));
    putProgram(join(tree, 'bin/hello'), helloForRiscv64());
    own(tree);
    expect((await entered(enter(tree, '/bin/hello'))).stdout).toBe('hello from riscv64\n');
    expect((await entered(enter(tree, 'sh', '-c', 'uname -m'))).stdout).toBe('aarch64\n');
  });

  it('has absolute links, as seen inside', async () => {
    const tree = smallRoot('absolute', busyboxFor('arm64'));
    renameSync(join(tree, 'bin'), join(tree, 'real'));
    symlinkSync('/real', join(tree, 'bin'));
    execFileSync('rm', [join(tree, 'real/sh')]);
    symlinkSync('/bin/busybox', join(tree, 'real/sh'));
    expect((await entered(enter(own(tree), 'sh', '-c', 'uname -m'))).stdout).toBe('aarch64\n');
  });

  it('has a resolv.conf link of systemd-resolved', async () => {
    const tree = smallRoot('resolved', busyboxFor('arm64'));
    execFileSync('rm', [join(tree, 'etc/resolv.conf')]);
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(tree, 'etc/resolv.conf'));
    const ran = await entered(enter(own(tree), 'cat', '/etc/resolv.conf'));
    expect(ran.stdout).toBe(readFileSync('/etc/resolv.conf', 'utf8'));
  });

  it('has no mount points, and none are created', async () => {
    const tree = smallRoot('bare', busyboxFor('arm64'), []);
    const ran = await entered(enter(tree, 'uname', '-m'));
    expect(ran.stdout).toBe('aarch64\n');
  });

  it('has mount points that are links out of it, which are never followed', async () => {
    mkdirSync(at('host/etc'), { recursive: true });
    writeFileSync(at('host/file'), 'host\n');
    const tree = smallRoot('links', busyboxFor('arm64'), []);
    for (const name of MOUNT_POINTS) symlinkSync(at('host'), join(tree, name));
    execFileSync('rm', [join(tree, 'etc/resolv.conf'), join(tree, 'etc/hosts')]);
    symlinkSync('../../../../../../../../../../../../etc/resolv.conf', join(tree, 'etc/resolv.conf'));
    symlinkSync(at('host/file'), join(tree, 'etc/hosts'));
    own(tree);
    const ran = await finish(enter(tree, 'sh', '-c', 'cat /etc/hosts; ls -l /tmp/'));
    expect(ran.stdout).not.toContain('host\n');
    expect(ran.stdout).not.toContain('file');
    await expectSameTraces(tracesOf(folder), folder);
  });

  it('belongs to another user, but is readable', async () => {
    const tree = smallRoot('others', busyboxFor('arm64'));
    execFileSync('chown', ['-R', '-h', '0:0', tree]);
    const ran = await entered(enter(tree, 'sh', '-c', 'uname -m; touch /etc/x 2>/dev/null || echo kept'));
    expect(ran.stdout).toBe('aarch64\nkept\n');
  });

  it('is on a read-only file system', async () => {
    const readOnly = afterMounts(`mount --bind ${arm64} ${arm64} && mount -o remount,bind,ro ${arm64}`);
    const script = 'uname -m; touch /x 2> /dev/null || echo kept; touch /tmp/x && echo free';
    const ran = await entered([...readOnly, ...enter(arm64, 'sh', '-c', script)]);
    expect(ran.stdout).toBe('aarch64\nkept\nfree\n');
  });

  it('has blanks, quotes and colons in its path', async () => {
    const tree = at(`a b:c,d'"$(e)\\f\n`);
    cpSync(arm64, tree, { recursive: true, verbatimSymlinks: true });
    own(tree);
    for (const options of [[], ['--ephemeral'], ['--read-only']]) {
      const ran = await entered(mapped.words('enter', ...options, tree, '--', 'uname', '-m'));
      expect(ran.stdout).toBe('aarch64\n');
    }
  });

  it('is reached through a link', async () => {
    symlinkSync(arm64, at('link'));
    expect((await entered(enter(at('link'), 'uname', '-m'))).stdout).toBe('aarch64\n');
    expect(await outputOf(enter('.', 'uname', '-m'), { cwd: arm64 })).toBe('aarch64');
  });
});

describe('users', () => {
  it('have a single ID if /etc/subuid cannot be read, with a warning', async () => {
    const mode = '0000';
    const closed = afterMounts(
      `cp /etc/subuid ${at('subuid')} && chmod ${mode} ${at('subuid')} && mount --bind ${at('subuid')} /etc/subuid`,
    );
    const ran = await finish([...closed, ...enter(arm64, 'sh', '-c', 'uname -m; id -u')]);
    expect(ran).toMatchObject({ status: 0, stdout: 'aarch64\n0\n' });
    expect(ran.stderr).toMatch(/subuid/);
  });

  it('have a single ID if /etc/subuid is invalid, with a warning', async () => {
    const text = 'mapped:a:b\\n:::\\nmapped:1:\\nmapped:99999999999:5\\n\\0\\377\\n';
    const wrong = afterMounts(
      `printf '${text}' > ${at('nonsense')} && mount --bind ${at('nonsense')} /etc/subuid`,
    );
    const ran = await finish([...wrong, ...enter(arm64, 'sh', '-c', 'uname -m; id -u')]);
    expect(ran).toMatchObject({ status: 0, stdout: 'aarch64\n0\n' });
    expect(ran.stderr).toMatch(/subordinate IDs/);
  });

  it('have a single ID without newuidmap, with a warning', async () => {
    const words = enter(arm64, 'sh', '-c', 'uname -m; id -u').map((word) =>
      word.startsWith('PATH=') ? `PATH=${word.slice(word.indexOf(':') + 1)}` : word,
    );
    const ran = await finish([...without('newuidmap'), ...words]);
    expect(ran).toMatchObject({ status: 0, stdout: 'aarch64\n0\n' });
    expect(ran.stderr).toMatch(/newuidmap/);
  });
});

describe('machines where it cannot work', () => {
  const LIMIT = '/proc/sys/user/max_user_namespaces';
  const limit = readFileSync(LIMIT, 'utf8');
  afterEach(() => writeFileSync(LIMIT, limit));
  beforeAll(() => {
    putProgram(at('hello'), helloForRiscv64());
  });

  /** A single static program still runs with its emulator, with a warning about its children. */
  const fallsBack = async (circumstances: readonly string[], reason: RegExp): Promise<void> => {
    const before = [...without('proot'), ...circumstances];
    for (const actor of [mapped, single]) {
      const ran = await finish([...before, ...actor.words('run', at('hello'))]);
      expect(ran, ran.stderr).toMatchObject({ status: 0, stdout: 'hello from riscv64\n' });
      expect(ran.stderr).toMatch(reason);
      expect(ran.stderr).toMatch(/but not its child processes/);
      const refused = await finish([...before, ...actor.words('enter', arm64, '--', 'sh', '-c', 'echo in')]);
      expect(refused).toMatchObject({ status: 125, stdout: '' });
      expect(refused.stderr).toMatch(/^(warning: .+\n)*binfmtctl: .+\nhint: .+\n$/);
      expect(refused.stderr).toMatch(reason);
    }
  };

  it('have no user namespaces', async () => {
    writeFileSync(LIMIT, '0');
    await fallsBack([], /user\.max_user_namespaces/);
  });

  it('are containers whose seccomp filter blocks user namespaces', () =>
    fallsBack(underSeccomp(), /seccomp|container/));

  it('are not containers with a masked /proc', async () => {
    // The private instance of the tests keeps a second /proc.
    const masks = ['/proc', '/proc/fs'].map((proc) => `mount --bind /dev/null ${proc}/interrupts`);
    const masked = afterMounts(masks.join(' && '));
    expect((await finish([...masked, ...mapped.words('run', at('hello'))])).stdout).toBe(
      'hello from riscv64\n',
    );
    const ran = await finish([
      ...masked,
      ...enter(arm64, 'sh', '-c', 'uname -m; test -e /proc/self/stat && echo proc'),
    ]);
    expect(ran).toMatchObject({ status: 0, stdout: 'aarch64\nproc\n' });
    expect(ran.stderr).toMatch(/^warning: .*\/proc.*\n$/);
  });

  it('let root enter with existing entries, without any user namespace', async () => {
    writeFileSync(LIMIT, '0');
    const tree = smallRoot('of-root', busyboxFor('arm64'));
    execFileSync('chown', ['-R', '-h', '0:0', tree]);
    const ran = await finish(root.words('enter', tree, '--', 'uname', '-m'));
    expect(ran.status).toBe(125);
    expect(ran.stderr).toMatch(/user\.max_user_namespaces/);
  });
});
