/** Debian's Docker engine, unpacked: it and all that it starts live in namespaces that end with it. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackages } from '../../../scripts/packages.mjs';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Engine {
  readonly docker: (...words: readonly string[]) => Ran;
  readonly close: () => Promise<void>;
}

// /etc/docker, /run/docker, /run/containerd and /opt/containerd cannot be moved by options.
const START = `
  mount --bind "$1/etc" /etc && mount -t tmpfs none /run && mount -t tmpfs none /opt && mount -t proc proc /proc || exit
  shift; exec "$@"`;

/** Starts the engine with all its data below `folder`. Containers have no network. */
export async function startEngine(folder: string): Promise<Engine> {
  const [docker = '', containerd = '', runc = ''] = unpackPackages('docker.io', 'containerd', 'runc');
  for (const name of ['bin', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  cpSync('/etc', join(folder, 'etc'), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  writeFileSync(join(folder, 'bin/runc'), withinOurCapabilities(join(runc, 'usr/sbin/runc')));
  chmodSync(join(folder, 'bin/runc'), 0o755);
  const folders = [
    join(folder, 'bin'),
    ...['bin', 'sbin'].map((name) => join(docker, 'usr', name)),
    join(containerd, 'usr/bin'),
  ];
  const env = {
    ...process.env,
    PATH: [...folders, process.env['PATH']].join(':'),
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    DOCKER_HOST: `unix://${folder}/docker.sock`,
  };
  const cgroup = basename(folder);
  const options = [
    ...['--host', env.DOCKER_HOST, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'docker.pid'), '--cgroup-parent', `/${cgroup}`, '--log-level', 'warn'],
    ...['--storage-driver', 'vfs', '--iptables=false', '--ip6tables=false', '--bridge=none'],
  ];
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const command = [...namespaces, 'sh', '-c', START, 'sh', folder, 'dockerd', ...options];
  const child = spawn('unshare', command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const run = (...words: readonly string[]): Ran =>
    spawnSync('docker', words, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
    await removeCgroups(cgroup);
  };
  for (let count = 0; run('version').status !== 0; count++) {
    if (count > 200 || child.exitCode !== null) {
      await close();
      throw new Error(`dockerd does not answer: ${log}`);
    }
    await sleep(50);
  }
  return { docker: run, close };
}

/**
 * runc gives a privileged container all capabilities that the engine knows, and fails where the machine has not got
 * them all: those that are missing here are left out.
 */
function withinOurCapabilities(runc: string): string {
  const bounding = BigInt(`0x${/^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  const missing = Object.entries(CAPABILITIES).filter(([bit]) => ((bounding >> BigInt(bit)) & 1n) === 0n);
  const edits = missing.map(([, name]) => `-e 's/"CAP_${name}",*//g'`).join(' ') || "-e ''";
  return `#!/bin/sh
previous=
for word; do
  [ "$previous" != --bundle ] || sed -i ${edits} "$word/config.json"
  previous=$word
done
exec ${runc} "$@"
`;
}

/** Of include/uapi/linux/capability.h, those that virtual machines of CI services are seen without. */
const CAPABILITIES = {
  16: 'SYS_MODULE',
  17: 'SYS_RAWIO',
  22: 'SYS_BOOT',
  24: 'SYS_RESOURCE',
  25: 'SYS_TIME',
};

/** The engine's own are removed with it, their parent is not. */
async function removeCgroups(name: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const roots = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? '');
  for (const root of roots) {
    for (let count = 0; count < 100 && !removed(join(root, name)); count++) await sleep(20);
  }
}

/** Whether the group is gone, with those below it; processes that are just ending keep it for a moment. */
function removed(folder: string): boolean {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
    for (const { name } of below) removed(join(folder, name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
