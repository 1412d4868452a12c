// Debian's Docker engine for tests and benchmarks: nothing is installed, and all that it keeps lies below one folder. It runs in
// this machine's own namespaces, so that a privileged container reaches the machine's binfmt_misc. Needs root.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackages } from './packages.mjs';

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
 * Starts an engine with no network and no images. `registry`: one that is asked over plain HTTP. `docker(...words)` runs the client and returns { status, stdout, stderr }.
 * `stop` ends it, and with it every container.
 */
export async function startEngine(folder, { driver = 'vfs', registry } = {}) {
  const [docker, containerd, runc, devmapper] = unpackPackages(
    'docker.io',
    'containerd',
    'runc',
    'libdevmapper1.02.1',
  );
  const libraries = join(devmapper, 'lib');
  const [triplet = ''] = readdirSync(libraries).filter((name) => name.includes('-linux-'));
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(libraries, triplet),
    PATH: [
      ...[`${docker}/usr/sbin`, `${docker}/usr/bin`, `${containerd}/usr/bin`, `${runc}/usr/sbin`],
      '/usr/sbin:/usr/bin:/sbin:/bin',
    ].join(':'),
    // Nobody's logins, and builds as BuildKit does them.
    DOCKER_CONFIG: join(folder, 'client'),
    DOCKER_BUILDKIT: '1',
  };
  mkdirSync(folder, { recursive: true });
  const host = `unix://${folder}/socket`;
  const words = [
    ...['--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--storage-driver', driver, '--iptables=false', '--bridge=none'],
    ...(registry === undefined ? [] : ['--insecure-registry', registry]),
  ];
  if (lacksResource()) {
    writeFileSync(join(folder, 'runtime'), RUNTIME, { mode: 0o755 });
    words.push('--add-runtime', `bounded=${folder}/runtime`, '--default-runtime', 'bounded');
  }
  const child = spawn('dockerd', words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = `${log}${text}`.slice(-10_000);
  });
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  const run = (...args) => {
    const { status, stdout, stderr } = spawnSync('docker', ['--host', host, ...args], {
      env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  for (let count = 0; count < 300; count++) {
    if (child.exitCode !== null) throw new Error(`dockerd ended: ${log}`);
    if (existsSync(`${folder}/socket`) && run('version').status === 0)
      return { host, env, docker: run, stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`dockerd does not answer: ${log}`);
}

/** What an engine may leave behind: mounts below a folder. */
export const mountsBelow = (folder) =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[1]?.startsWith(`${folder}/`));
