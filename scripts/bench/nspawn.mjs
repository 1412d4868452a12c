// `enter` beside systemd-nspawn, in a root of this machine's own arch: as root, and in a mount namespace of its own. In a
// user namespace systemd-nspawn does not work (it mounts /sys and the cgroups anew).
//   node scripts/bench/nspawn.mjs RUNS FOLDER
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../packages.mjs';
import { beyond, writeRoot } from './emulate.mjs';
import { compare } from './measure.mjs';

const [runs, work] = process.argv.slice(2);
const NODE = process.execPath;
const [busybox, container, shared] = unpackPackages(
  'busybox-static',
  'systemd-container',
  'libsystemd-shared',
);
const root = writeRoot(join(work, 'root'), busybox);
const libraries = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
// It keeps notes in /run.
execFileSync('mount', ['-t', 'tmpfs', 'run', '/run']);
const nspawn = join(container, 'usr/bin/systemd-nspawn');
const left = controlGroups().filter((folder) => !existsSync(folder));
let times;
try {
  times = measure();
} finally {
  for (const folder of left.filter(existsSync)) rmdirSync(folder);
}
const { node, enter, peer } = times;
process.stdout.write(
  JSON.stringify([beyond('enter -- true without emulation, to systemd-nspawn', enter, peer, node)]),
);

function measure() {
  return compare(
    {
      node: [NODE, '-e', '0'],
      enter: [
        NODE,
        resolve('dist/cli.cjs'),
        'enter',
        '--quiet',
        '--store',
        join(work, 'store'),
        root,
        '--',
        'true',
      ],
      peer: [nspawn, '-q', '--register=no', '--keep-unit', '-D', root, 'true'],
    },
    3 * Number(runs),
    { env: { ...process.env, LD_LIBRARY_PATH: join(shared, 'usr/lib', libraries, 'systemd') } },
  );
}

/** Those that systemd-nspawn makes below its own, and leaves. */
function controlGroups() {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  return ['', 'systemd', 'unified'].flatMap((hierarchy) =>
    ['payload', 'supervisor'].map((name) => join('/sys/fs/cgroup', hierarchy, own, name)),
  );
}
