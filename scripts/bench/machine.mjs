// `install arm64` and apt's way to the same, each on a machine of its own: this one's files under an overlay, which is
// thrown away, with a binfmt_misc of its own. Needs root.
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { summary } from './measure.mjs';

const PRIVATE = resolve('scripts/private-instance.mjs');

/** What is done on the machine; the last line of its output is milliseconds. */
const MACHINE = `
set -eu
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs none "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" root
mount --rbind /dev root/dev
mount -t tmpfs none root/tmp
"$2" "$3" -- sh -eu -c '
  mount -t proc proc root/proc
  mount -t binfmt_misc binfmt_misc root/proc/sys/fs/binfmt_misc
  chroot root sh -c "$0"
' "$4"
# What is left on the disk: files alone.
find upper -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum + 0 }'
`;

/** Seconds are the shell's, around the one command: neither the machine's making nor its end counts. */
const timed = (prepare, command, after) =>
  `cd /; unset TMPDIR; export DEBIAN_FRONTEND=noninteractive; ${prepare}
  start=$(date +%s%N); ${command} >/tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }; end=$(date +%s%N)
  ${after}
  echo $(( (end - start) / 1000000 ))`;

/** One run: milliseconds and bytes left on disk. All of it ends with the first process of its namespace. */
async function once(command, { work, outputOf }) {
  const folder = mkdtempSync(join(work, 'machine-'));
  const enter = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', MACHINE, 'sh'];
  const output = await outputOf([...enter, folder, process.execPath, PRIVATE, command]);
  rmSync(folder, { recursive: true, force: true });
  const lines = output.trim().split('\n');
  return { ms: Number(lines.at(-2)), bytes: Number(lines.at(-1)) };
}

/** Both ways, `runs` times in turn. `machine`: a folder to work in, how to run a program, whom to tell of progress. */
export async function installArm64(runs, machine) {
  const apt = 'apt-get -q -o APT::Sandbox::User=root';
  const cases = {
    ours: timed(
      'rm -rf /var/lib/binfmtctl',
      `${process.execPath} ${resolve('dist/cli.cjs')} install arm64`,
      '',
    ),
    apt: timed(
      `${apt} update >/tmp/log 2>&1`,
      `${apt} install -y qemu-user-static binfmt-support`,
      'apt-get clean; rm -rf /var/lib/apt/lists/*',
    ),
  };
  const seen = { ours: [], apt: [] };
  for (let run = 0; run < runs; run++) {
    for (const [name, command] of Object.entries(cases)) {
      machine.progress(`install arm64, ${name}, run ${run + 1} of ${runs}`);
      seen[name].push(await once(command, machine));
    }
  }
  const of = (name, key) => summary(seen[name].map((each) => each[key]));
  return {
    ours: { ms: of('ours', 'ms'), bytes: of('ours', 'bytes') },
    apt: { ms: of('apt', 'ms'), bytes: of('apt', 'bytes') },
  };
}
