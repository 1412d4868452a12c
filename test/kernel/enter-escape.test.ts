/** A program inside `enter` can neither leave its root, undo read-only mounts, nor lose its emulation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl, inShell } from './support/command.ts';

const folder = temporaryFolder();
const PROGRAMS = ['sh', 'cat', 'echo', 'mount', 'readlink', 'umount', 'touch', 'true'];
let qemu = '';

beforeAll(() => {
  qemu = join(unpackPackages('qemu-user-static')[0] ?? '', 'usr/bin');
  chmodSync(folder(), 0o755);
  mkdirSync(folder('source/sub'), { recursive: true });
  writeFileSync(folder('source/secret'), 'secret\n');
  for (const [arch, name] of [
    ['native', 'busybox-static'],
    ['arm64', 'busybox-static:arm64'],
  ] as const) {
    const [busybox = ''] = unpackPackages(name);
    for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt', 'data'])
      mkdirSync(folder(arch, place), { recursive: true });
    copyFileSync(join(busybox, 'bin/busybox'), folder(arch, 'bin/busybox'));
    // setns(2) refuses a process whose threads share a root, as in QEMU, so nsenter is native.
    copyFileSync(join(unpackPackages('busybox-static')[0] ?? '', 'bin/busybox'), folder(arch, 'bin/nsenter'));
    for (const each of PROGRAMS) symlinkSync('busybox', folder(arch, 'bin', each));
  }
  for (const user of ['root', 'user']) mkdirSync(folder(`store-${user}`), { mode: 0o777 });
  chmodSync(folder('store-user'), 0o777);
});

describe.each([
  { who: 'root', arch: 'native' },
  { who: 'root', arch: 'arm64' },
  { who: 'user', arch: 'native' },
  { who: 'user', arch: 'arm64' },
])('as $who in a tree for $arch', ({ who, arch }) => {
  const words = (options: readonly string[], script: string): readonly string[] => [
    ...['enter', '--quiet', '--store', folder(`store-${who}`), '--source', `dir:${qemu}`],
    ...['--net', 'none', ...options, folder(arch), '--', 'sh', '-c', script],
  ];
  const within = who === 'user' ? AS_USER : ['env'];
  const enter = (options: readonly string[], script: string, mounts = 'true') =>
    binfmtctl(words(options, script), {
      within: [...inShell(mounts), ...within],
      env: { HOME: folder(`store-${who}`) },
    });

  it('the root cannot be detached, and joining the mount namespace again does not reach the host', async () => {
    const script = `umount -l / || echo refused; /bin/nsenter --mount=/proc/self/ns/mnt cat ${folder('source/secret')}; echo end`;
    const { stdout, stderr } = await enter([], script);
    expect(stdout).toBe('refused\nend\n');
    expect(stderr).toContain('No such file or directory');
  });

  it('no process inside gives access to the root of the host', async () => {
    const script = `for each in /proc/[0-9]*; do cat $each/root${folder('source/secret')}; done; /bin/nsenter --mount=/proc/1/ns/mnt true; echo end`;
    const { stdout, stderr } = await enter([], script);
    expect(stdout).toBe('end\n');
    expect(stderr).toContain(`/proc/1/root${folder('source/secret')}': Permission denied`);
    expect(stderr).toContain("/proc/1/ns/mnt': Permission denied");
  });

  it('only the locked mount namespace of the session remains', async () => {
    // Linux 6.12 and later can find others of the same user namespace (NS_MNT_GET_PREV).
    const script = 'readlink /proc/self/ns/pid; read -r _';
    const [file = '', ...args] = [...within, process.execPath, resolve('dist/cli.cjs'), ...words([], script)];
    const env = { ...process.env, HOME: folder(`store-${who}`) };
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const session = await firstLine(child);
    await expect.poll(() => mountNamespaces(session)).toHaveLength(1);
    child.stdin.end('\n');
    expect(await ended).toEqual([0, null]);
  });

  it.each([
    ['the root', ['--read-only'], '/', '/file'],
    ['a bind mount', ['--bind', 'SOURCE:/mnt:ro'], '/mnt', '/mnt/file'],
  ])('%s stays read-only', async (_, options, mount, file) => {
    const bound = options.map((word) => word.replace('SOURCE', folder('source')));
    const script = `mount -o remount,bind,rw ${mount} || echo refused; umount ${mount}; umount -l ${mount}; touch ${file}; echo end`;
    const { stdout, stderr } = await enter(bound, script);
    expect(stdout).toBe('refused\nend\n');
    expect(stderr).toContain('Read-only file system');
  });

  it.each([
    ['the root', ['--read-only'], `${arch}/data`, '/data'],
    ['a bind mount', ['--bind', 'SOURCE:/mnt:ro'], 'source/sub', '/mnt/sub'],
    ['a bind mount over a directory of the root', ['--bind', 'SOURCE:/mnt:ro'], 'source/sub', '/mnt/sub'],
  ])('all mounts below %s are read-only', async (what, options, outside, inside) => {
    const at = folder(outside);
    const mounts = [
      // The second mount covers the first one and its submounts.
      `mount -t tmpfs none ${at} && mkdir ${at}/a && mount -t tmpfs none ${at}/a`,
      `mount -t tmpfs -o nosuid,noexec,noatime binfmtctl ${at} && cd ${at} && mkdir 'a \\#' && : >file`,
      "mount -t tmpfs -o nodev none 'a \\#' && mkdir 'a \\#/b' && mount -t tmpfs none 'a \\#/b'",
      'mount --bind file file && chmod -R 777 .',
      ...(what.includes('has there') ? [`mount --rbind ${folder('source')} ${folder(arch, 'mnt')}`] : []),
    ].join(' && ');
    const files = ['new', 'file', "'a \\#/new'", "'a \\#/b/new'"];
    const script = `cd ${inside} && for each in ${files.join(' ')}; do mount -o remount,bind,rw "$\{each%/*}"; touch "$each"; done; echo end`;
    const { stdout, stderr } = await enter(
      options.map((word) => word.replace('SOURCE', folder('source'))),
      script,
      mounts,
    );
    expect(stdout).toBe('end\n');
    expect(stderr.match(/touch: .*: Read-only file system/g)).toHaveLength(files.length);
  });

  it('emulation continues, whatever is unmounted, mounted or written', async () => {
    const place = '/proc/sys/fs/binfmt_misc';
    const script = [
      `umount ${place}; umount -l ${place}; umount -l /proc`,
      `mount -t binfmt_misc none ${arch === 'native' ? '/mnt' : place}`,
      arch === 'native' ? 'true' : `for each in ${place}/*; do echo -1 >$each; done; echo 0 >${place}/status`,
      arch === 'native' ? 'true' : `umount ${place}`,
      '/bin/echo goes on',
    ].join('; ');
    const { status, stdout } = await enter([], script);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'goes on\n' });
  });

  it('new mounts are allowed', async () => {
    const script =
      'mount -t tmpfs none /mnt && touch /mnt/file && umount /mnt && mount -t proc none /mnt && cat /mnt/1/comm';
    expect(await enter([], script)).toMatchObject({ status: 0, stdout: 'sh\n' });
  });
});

it('root enters with a warning if no user namespace can lock the mounts', async () => {
  const none = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"';
  const { status, stdout, stderr } = await binfmtctl(
    ['enter', '--store', folder('store-root'), '--net', 'none', folder('native'), '--', 'echo', 'runs'],
    // The limit applies only to the new user namespace (namespaces(7)).
    { within: ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', none, 'sh'] },
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'runs\n' });
  expect(stderr).toMatch(
    /^warning: the program can access the files of this machine: cannot create a user namespace \(.*\)$/m,
  );
});

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text.trim();
}

/** Mount namespaces of the processes of a session, other than that of its caller. */
function mountNamespaces(session: string): readonly string[] {
  const link = (pid: string, name: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/${name}`);
    } catch {
      // It has ended.
      return '';
    }
  };
  const all = readdirSync('/proc')
    .filter((pid) => link(pid, 'pid_for_children') === session)
    .map((pid) => link(pid, 'mnt'));
  return [...new Set(all)].filter((each) => each !== '' && each !== link('self', 'mnt'));
}
