// Runs Debian's Docker engine for tests and benchmarks, without installing it. Its data are in one directory, and all its processes
// end with it. It runs in the machine's user namespace, so a privileged container can use the machine's binfmt_misc. Requires root.
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackages } from './packages.mjs';

// No option moves its files in /etc/docker, /run/docker, /run/containerd and /opt/containerd.
const START = `
  mount --bind "$1/etc" /etc && mount -t tmpfs none /run && mount -t tmpfs none /opt && mount -t proc proc /proc || exit
  shift; exec dockerd "$@"`;

/**
 * Docker 20.10 gives privileged containers all capabilities of the kernel, including CAP_SYS_RESOURCE even if root does not have it, as
 * in some virtual machines. runc then fails, so this wrapper removes it.
 */
const wrapped = (runc) => `#!/bin/sh
for word; do
  case $before in --bundle) sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' "$word/config.json" ;; esac
  before=$word
done
exec ${runc} "$@"
`;
const SYS_RESOURCE = 24n;

const lacksResource = () => {
  const [, bounding] = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return ((BigInt(`0x${bounding}`) >> SYS_RESOURCE) & 1n) === 0n;
};

/**
 * Starts an engine without network and images.
 *
 * `docker(...words)` runs the client and returns { status, stdout, stderr }; `dockerBeside(...)` does so asynchronously. `stop` stops the
 * engine and all containers.
 *
 * @param registry a registry to access over plain HTTP
 * @param remap whether to remap root of containers to user 100000; every user must then have access to the parents of `folder`
 */
export async function startEngine(folder, { driver = 'vfs', registry, remap = false } = {}) {
  const names = ['docker.io', 'containerd', 'runc', 'libdevmapper1.02.1'];
  const [docker, containerd, runc, devmapper] = unpackPackages(...names);
  const libraries = join(devmapper, 'lib');
  const [triplet = ''] = readdirSync(libraries).filter((name) => name.includes('-linux-'));
  for (const name of ['tmp', 'bin']) mkdirSync(join(folder, name), { recursive: true });
  cpSync('/etc', join(folder, 'etc'), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  if (remap) addRemappedUser(join(folder, 'etc'));
  const host = `unix://${folder}/socket`;
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(libraries, triplet),
    PATH: [
      `${folder}/bin`,
      ...[`${docker}/usr/sbin`, `${docker}/usr/bin`, `${containerd}/usr/bin`, `${runc}/usr/sbin`],
      '/usr/sbin:/usr/bin:/sbin:/bin',
    ].join(':'),
    TMPDIR: join(folder, 'tmp'),
    // Without credentials, and with BuildKit.
    DOCKER_CONFIG: join(folder, 'client'),
    DOCKER_BUILDKIT: '1',
  };
  const cgroup = `engine-${process.pid}-${basename(folder)}`;
  const words = [
    ...['--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--cgroup-parent', `/${cgroup}`, '--storage-driver', driver],
    ...['--iptables=false', '--bridge=none'],
    ...(registry === undefined ? [] : ['--insecure-registry', registry]),
    ...(remap ? ['--userns-remap', 'default'] : []),
  ];
  if (lacksResource())
    writeFileSync(join(folder, 'bin/runc'), wrapped(`${runc}/usr/sbin/runc`), { mode: 0o755 });
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const command = [...namespaces, 'sh', '-c', START, 'sh', folder, ...words];
  // A file, because nothing would read a pipe while the client runs, and the engine blocks once a pipe is full.
  const log = join(folder, 'log');
  const child = spawn('unshare', command, { env, stdio: ['ignore', 'ignore', openSync(log, 'w')] });
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  const run = (...args) => {
    const how = { env, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120_000 };
    const { status, stdout, stderr } = spawnSync('docker', ['--host', host, ...args], how);
    return { status, stdout, stderr };
  };
  const runBeside = (...args) =>
    new Promise((resolve, reject) => {
      const client = spawn('docker', ['--host', host, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const ran = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'])
        client[name].setEncoding('utf8').on('data', (text) => {
          ran[name] += text;
        });
      client.once('error', reject);
      client.once('close', (status) => resolve({ status, ...ran }));
    });
  // Its mounts and processes end with its namespaces.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    kill();
    await ended;
    process.off('exit', kill);
    await removeCgroups(cgroup);
  };
  for (let count = 0; count < 300; count++) {
    if (child.exitCode !== null)
      throw new Error(`dockerd ended: ${readFileSync(log, 'utf8').slice(-10_000)}`);
    if (run('version').status === 0) return { host, env, docker: run, dockerBeside: runBeside, stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`dockerd did not start in time: ${readFileSync(log, 'utf8').slice(-10_000)}`);
}

/** Adds the user whose subordinate ids the engine maps. Otherwise the engine would call useradd(8). */
function addRemappedUser(etc) {
  appendFileSync(join(etc, 'passwd'), 'dockremap:x:59999:59999::/nonexistent:/usr/sbin/nologin\n');
  appendFileSync(join(etc, 'group'), 'dockremap:x:59999:\n');
  for (const name of ['subuid', 'subgid']) writeFileSync(join(etc, name), 'dockremap:100000:65536\n');
}

async function removeCgroups(name) {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const roots = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]);
  // Exiting processes may keep a group for a moment.
  for (const root of roots) {
    for (let count = 0; count < 100 && !tryRemove(join(root, name)); count++) await sleep(20);
  }
}

/** Tries to remove a control group and its descendants. Returns whether it is gone. */
function tryRemove(folder) {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
    for (const { name } of below) tryRemove(join(folder, name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return error.code === 'ENOENT';
  }
}
