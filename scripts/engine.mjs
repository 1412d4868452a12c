// Debian's Docker engine for tests and benchmarks: nothing is installed, all that it keeps lies below one folder, and its mounts
// are seen by nobody else. Its user namespace is the machine's own, so that a privileged container reaches the machine's
// binfmt_misc. Needs root.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackages } from './packages.mjs';

// No option moves what it keeps in /etc/docker, /run/docker, /run/containerd and /opt/containerd.
const START = `
  mount --bind "$1/etc" /etc && mount -t tmpfs none /run && mount -t tmpfs none /opt || exit
  shift; exec dockerd "$@"`;

/**
 * Docker 20.10 gives privileged containers every capability of the kernel, also CAP_SYS_RESOURCE where root has it not, as in some
 * virtual machines; runc then starts nothing.
 */
const RUNTIME = `#!/bin/sh
for word; do
  case $before in --bundle) sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' "$word/config.json" ;; esac
  before=$word
done
exec runc "$@"
`;
const SYS_RESOURCE = 24n;

const lacksResource = () => {
  const [, bounding] = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return ((BigInt(`0x${bounding}`) >> SYS_RESOURCE) & 1n) === 0n;
};

/**
 * Starts an engine with no network and no images. `registry`: one that is asked over plain HTTP. `docker(...words)` runs the
 * client and returns { status, stdout, stderr }. `stop` ends it, and with it every container.
 */
export async function startEngine(folder, { driver = 'vfs', registry } = {}) {
  const names = ['docker.io', 'containerd', 'runc', 'libdevmapper1.02.1'];
  const [docker, containerd, runc, devmapper] = unpackPackages(...names);
  const libraries = join(devmapper, 'lib');
  const [triplet = ''] = readdirSync(libraries).filter((name) => name.includes('-linux-'));
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  cpSync('/etc', join(folder, 'etc'), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const host = `unix://${folder}/socket`;
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(libraries, triplet),
    PATH: [
      ...[`${docker}/usr/sbin`, `${docker}/usr/bin`, `${containerd}/usr/bin`, `${runc}/usr/sbin`],
      '/usr/sbin:/usr/bin:/sbin:/bin',
    ].join(':'),
    TMPDIR: join(folder, 'tmp'),
    // Nobody's logins, and builds as BuildKit does them.
    DOCKER_CONFIG: join(folder, 'client'),
    DOCKER_BUILDKIT: '1',
  };
  const cgroup = `engine-${process.pid}-${basename(folder)}`;
  const words = [
    ...['--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--cgroup-parent', `/${cgroup}`, '--storage-driver', driver],
    ...['--iptables=false', '--bridge=none'],
    ...(registry === undefined ? [] : ['--insecure-registry', registry]),
  ];
  if (lacksResource()) {
    writeFileSync(join(folder, 'runtime'), RUNTIME, { mode: 0o755 });
    words.push('--add-runtime', `bounded=${folder}/runtime`, '--default-runtime', 'bounded');
  }
  const command = ['--mount', '--propagation', 'private', 'sh', '-c', START, 'sh', folder, ...words];
  const child = spawn('unshare', command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = `${log}${text}`.slice(-10_000);
  });
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  const run = (...args) => {
    const how = { env, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120_000 };
    const { status, stdout, stderr } = spawnSync('docker', ['--host', host, ...args], how);
    return { status, stdout, stderr };
  };
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  // Its mounts go with the last of its processes.
  const stop = async () => {
    kill();
    await ended;
    process.off('exit', kill);
    await removeCgroups(cgroup);
  };
  for (let count = 0; count < 300; count++) {
    if (child.exitCode !== null) throw new Error(`dockerd ended: ${log}`);
    if (run('version').status === 0) return { host, env, docker: run, stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`dockerd does not answer: ${log}`);
}

async function removeCgroups(name) {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const roots = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]);
  // Processes that are just ending keep it for a moment.
  for (const root of roots) {
    for (let count = 0; count < 100 && !removed(join(root, name)); count++) await sleep(20);
  }
}

/** Whether a control group is gone, with those below it. */
function removed(folder) {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
    for (const { name } of below) removed(join(folder, name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return error.code === 'ENOENT';
  }
}
