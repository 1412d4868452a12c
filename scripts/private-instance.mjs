// Runs a command in new user, mount and process namespaces with a binfmt_misc instance of its own (Linux 6.7 and
// later). As root a million user ids are mapped, so that set-id programs can be tried; else only the caller's own.
// Root's own id is among them and may set the machine's sysctls: those in /proc/sys are read-only, but for the limits of
// the user namespace.
//   node scripts/private-instance.mjs -- COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';

const command = process.argv.slice(process.argv.indexOf('--') + 1);
const INSIDE = [
  'read go',
  'mount --make-rprivate /',
  'mount -t proc proc /proc',
  // Namespaces below this one may mount /proc only where one is without mounts on it.
  'mount -t proc proc /proc/fs',
  // Not /proc/sys itself: where that is read-only, systemd does not start systemd-binfmt.
  'for d in /proc/sys/*/; do [ $d = /proc/sys/user/ ] || mount -o bind,ro $d $d || exit; done',
  'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
  'exec "$@" <&3',
].join(' && ');

const root = process.getuid() === 0;
const flags = ['--user', '--mount', '--pid', '--fork', '--kill-child', ...(root ? [] : ['--map-root-user'])];
const child = spawn('unshare', [...flags, 'sh', '-c', INSIDE, 'sh', ...command], {
  stdio: ['pipe', 'inherit', 'inherit', 0],
});
child.stdin.on('error', () => {});
if (root) await mapIds(child.pid);
child.stdin.end('go\n');
child.on('exit', (status, signal) => process.exit(signal ? 1 : status));
// unshare blocks SIGINT and SIGTERM while it waits; with --kill-child, its end is that of the command.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGKILL'));

// unshare(1) keeps its process id and only then makes the namespace: wait until its maps are writable and empty.
async function mapIds(pid) {
  const own = readlinkSync('/proc/self/ns/user');
  while (readlinkSync(`/proc/${pid}/ns/user`) === own) await new Promise((resolve) => setTimeout(resolve, 2));
  // runc and crun take a map of all ids for that of the initial user namespace.
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 1000000\n');
}
