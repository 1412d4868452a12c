// Runs a command in new user, mount and process namespaces with a binfmt_misc instance of its own (Linux 6.7 and
// later). As root all user ids are mapped, so that set-id programs can be tried; else only the caller's own.
//   node scripts/private-instance.mjs -- COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const command = process.argv.slice(process.argv.indexOf('--') + 1);
const INSIDE = [
  'read go',
  'mount --make-rprivate /',
  'mount -t proc proc /proc',
  'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
  'exec "$@" <&3',
].join(' && ');

const root = process.getuid() === 0;
const flags = ['--user', '--mount', '--pid', '--fork', '--kill-child', ...(root ? [] : ['--map-root-user'])];
const child = spawn('unshare', [...flags, 'sh', '-c', INSIDE, 'sh', ...command], {
  stdio: ['pipe', 'inherit', 'inherit', 0],
});
child.stdin.on('error', () => {});
if (root) await mapAllIds(child.pid);
child.stdin.end('go\n');
child.on('exit', (status, signal) => process.exit(signal ? 1 : status));
// unshare blocks SIGINT and SIGTERM while it waits; with --kill-child, its end is that of the command.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGKILL'));

// unshare(1) keeps its process id and only then makes the namespace: wait until its maps are writable and empty.
async function mapAllIds(pid) {
  const { readlinkSync } = await import('node:fs');
  const own = readlinkSync('/proc/self/ns/user');
  while (readlinkSync(`/proc/${pid}/ns/user`) === own) await new Promise((resolve) => setTimeout(resolve, 2));
  writeFileSync(`/proc/${pid}/uid_map`, '0 0 4294967295\n');
  writeFileSync(`/proc/${pid}/gid_map`, '0 0 4294967295\n');
}
