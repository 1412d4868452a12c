// Runs the commands in docs/run-and-enter.md, "The second stage of debootstrap", exactly as printed: as root, and as an unprivileged
// user with subordinate ids. Requires root and the packages debootstrap, fakeroot and uidmap.
//   node scripts/second-stage.mjs [root] [user]
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';

const ROOT = resolve(import.meta.dirname, '..');
const USER = { name: 'binfmtctl-tester', id: 64242 };
const ACTORS = { root: [], user: ['setpriv', `--reuid=${USER.id}`, `--regid=${USER.id}`, '--clear-groups'] };

delete process.env.NODE_EXTRA_CA_CERTS;
requireTools('debootstrap', 'fakeroot', 'newuidmap');
const commands = documentedCommands();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ACTORS);
const failed = wanted.filter((actor) => !runAs(actor));
process.exit(failed.length === 0 ? 0 : 1);

/** Returns the lines of the first code block below the heading. */
function documentedCommands() {
  const text = readFileSync(join(ROOT, 'docs/run-and-enter.md'), 'utf8');
  const section = text.split('### The second stage of debootstrap')[1]?.split('\n### ')[0] ?? '';
  const lines =
    section
      .split(/^```.*\n/m)[1]
      ?.trim()
      .split('\n') ?? [];
  if (lines.length < 2) throw new Error('docs/run-and-enter.md has no commands for the second stage');
  return lines;
}

function runAs(actor) {
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-second-stage-'));
  try {
    const at = (name) => join(folder, name);
    mkdirSync(at('home'));
    mkdirSync(at('bin'));
    const cli = `${process.execPath} ${join(ROOT, 'dist/cli.cjs')}`;
    // Do not use the machine's store.
    const command = `#!/bin/sh\nname=$1\nshift\nexec ${cli} "$name" --store ${at('home')}/store "$@"\n`;
    writeFileSync(at('bin/binfmtctl'), command, { mode: 0o755 });
    writeFileSync(at('subordinate'), `${USER.name}:1000000:65536\n`);
    const account = `${USER.name}:x:${USER.id}:${USER.id}::${at('home')}:/bin/sh\n`;
    writeFileSync(at('passwd'), readFileSync('/etc/passwd', 'utf8') + account);
    chmodSync(folder, 0o755);
    if (actor === 'user') chownSync(at('home'), USER.id, USER.id);
    return succeeds(actor, folder);
  } finally {
    // Only root can remove files of subordinate ids.
    rmSync(folder, { recursive: true, force: true });
  }
}

function succeeds(actor, folder) {
  const mounts = [
    ['subordinate', '/etc/subuid'],
    ['subordinate', '/etc/subgid'],
    ['passwd', '/etc/passwd'],
  ].map(([file, place]) => `mount --bind ${join(folder, file)} ${place}`);
  const check = `binfmtctl enter ./bookworm-arm64 -- sh -c 'uname -m; test ! -e /debootstrap && dpkg --audit && apt-get --version'`;
  const script = ['set -ex', ...commands, check].join('\n');
  const all = [...mounts, 'exec "$@"'].join(' && ');
  const command = ['--mount', 'sh', '-c', all, 'sh', ...ACTORS[actor], 'sh', '-c', script];
  const env = { ...process.env, HOME: join(folder, 'home'), PATH: `${folder}/bin:${process.env.PATH}` };
  console.log(`== ${actor}`);
  const { status, stdout } = spawnSync('unshare', command, {
    cwd: join(folder, 'home'),
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const isDone = status === 0 && /^aarch64\napt \d/m.test(stdout);
  console.log(
    `${stdout.trimEnd().split('\n').slice(-12).join('\n')}\n${actor}: ${isDone ? 'ok' : `failed, status ${status}`}`,
  );
  return isDone;
}

function requireTools(...names) {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length === 0) return;
  console.error(`missing: ${missing.join(', ')}; apt-get install debootstrap fakeroot uidmap`);
  process.exit(1);
}
