// Runs a command in new user, mount and PID namespaces with a private binfmt_misc instance (Linux 6.7 and later).
// For root, it maps a million ids, so that set-user-ID programs can be tested; for other users, only the caller's id.
// The mapped root could set the machine's sysctls, so /proc/sys is read-only, except for the limits of the user namespace.
//   node scripts/private-instance.mjs -- COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';

const command = process.argv.slice(process.argv.indexOf('--') + 1);
const INSIDE = [
  'read go',
  'mount --make-rprivate /',
  'mount -t proc proc /proc',
  // Descendant namespaces may mount /proc only if they see one without mounts on it.
  'mount -t proc proc /proc/fs',
  // Not /proc/sys itself: systemd does not start systemd-binfmt if that is read-only.
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
// unshare blocks SIGINT and SIGTERM while it waits. With --kill-child, killing it kills the command.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGKILL'));

// unshare(1) creates the namespace in its own process: wait for that before writing the maps.
async function mapIds(pid) {
  const own = readlinkSync('/proc/self/ns/user');
  while (readlinkSync(`/proc/${pid}/ns/user`) === own) await new Promise((resolve) => setTimeout(resolve, 2));
  // runc and crun treat a namespace that maps all ids as the initial user namespace.
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 1000000\n');
}
