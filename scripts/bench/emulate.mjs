// `run` and `enter` beside what they cannot be faster than, and beside the same by hand; within private.mjs.
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../packages.mjs';
import { compare, ratio, time } from './measure.mjs';

const NODE = process.execPath;
const BINFMT = 'proc/sys/fs/binfmt_misc';
/** Milliseconds that ours may take beyond Node's start and what it is compared with. */
const ALLOWED = 30;

/** Ratios to Node's start, the emulator or what is done by hand, and what is allowed beyond. */
export function emulating({ work, runs, command, registerString, removeEntries }) {
  const [qemu, busybox] = unpackPackages('qemu-user-static', 'busybox-static:arm64');
  const emulators = join(qemu, 'usr/bin');
  const root = writeRoot(join(work, 'root'), busybox);
  const program = join(root, 'bin/true');
  // Options come before the program.
  const ours = (name, ...words) => [...command(name), ...words];
  const always = { node: [NODE, '-e', '0'], emulator: [join(emulators, 'qemu-aarch64-static'), program] };
  // A tenth of a second each, on machines whose clock wanders: only many rounds tell.
  const rounds = 3 * runs;
  removeEntries();
  time(ours('install', 'arm64', '--quiet', '--source', `dir:${emulators}`));
  const rule = join(work, 'rule');
  writeFileSync(rule, registerString('qemu-aarch64'));
  const entry = compare(
    {
      ...always,
      run: ours('run', '--', program),
      enter: ours('enter', root, '--', 'true'),
      hand: ['unshare', ...NAMESPACES, 'sh', '-c', handScript(root)],
    },
    rounds,
  );
  removeEntries();
  // From the second time on, which is measured, it is remembered what the emulator is.
  const own = compare(
    {
      ...always,
      run: ours('run', '--', program),
      enter: ours('enter', root, '--', 'true'),
      hand: ['unshare', '--user', '--map-root-user', ...NAMESPACES, 'sh', '-c', handScript(root, rule)],
    },
    rounds,
  );
  return [
    beyond('run true by an entry of the machine, to the emulator', entry.run, entry.emulator, entry.node),
    beyond('run true in an instance of its own, to the emulator', own.run, own.emulator, own.node),
    beyond(
      'enter -- true by an entry of the machine, to doing it by hand',
      entry.enter,
      entry.hand,
      entry.node,
    ),
    beyond('enter -- true with an instance of its own, to doing it by hand', own.enter, own.hand, own.node),
  ];
}

/** To the peer, Node's start and what is allowed besides: 1 is the goal. */
export function beyond(what, ours, peer, node) {
  const [median, min, max] = ['median', 'min', 'max'].map((each) => peer[each] + node[each] + ALLOWED);
  return ratio(`${what}, Node's start and ${ALLOWED} ms`, ours, { median, min, max, runs: peer.runs }, 1);
}

/** A root with a shell and `true`, both busybox, and places for all that is mounted. */
export function writeRoot(root, busybox) {
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'run', 'tmp', 'etc', 'usr'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), join(root, 'bin/busybox'));
  for (const name of ['sh', 'true']) symlinkSync('busybox', join(root, 'bin', name));
  for (const file of ['etc/resolv.conf', 'etc/hosts']) writeFileSync(join(root, file), '');
  return root;
}

const NAMESPACES = ['--mount', '--pid', '--ipc', '--fork', '--kill-child'];

/** The mounts that `enter` makes in a user namespace, a mount(8) for each, and `true` in the root. */
function handScript(root, rule) {
  const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
  const ours = ['resolv.conf', 'hosts'].filter((name) => existsSync(`/etc/${name}`));
  const lines = [
    `cd ${root}`,
    'mount --rbind . .',
    `cd ${root}`,
    'mount -t tmpfs -o nosuid,noexec,mode=755,size=1m tmpfs dev',
    'mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run',
    'mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs tmp',
    'mount --rbind -o nosuid,nodev,noexec,ro /sys sys',
    'mkdir dev/pts dev/shm',
    `touch ${nodes.map((name) => `dev/${name}`).join(' ')}`,
    ...nodes.map((name) => `mount --bind /dev/${name} dev/${name}`),
    'mount -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts dev/pts',
    'ln -s pts/ptmx dev/ptmx',
    'mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs dev/shm',
    'mount -t proc -o nosuid,nodev,noexec proc proc',
    ...ours.map((name) => `mount --bind -o ro /etc/${name} etc/${name}`),
    ...(rule === undefined
      ? []
      : [`mount -t binfmt_misc binfmt_misc ${BINFMT}`, `cat ${rule} >${BINFMT}/register`]),
  ];
  return `${lines.join(' && ')} && exec chroot . true`;
}
