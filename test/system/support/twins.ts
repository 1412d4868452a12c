/**
 * Two Debian roots that differ only in the program update-binfmts, and the state after a series of commands in each:
 * every root runs in new namespaces with a private instance of binfmt_misc.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';

/** The output of a command, and the state after it. */
export interface Outcome {
  readonly status: string;
  readonly output: string;
  /** Admin files with mode and text, entries in the kernel's order, mounts, and packages with their state. */
  readonly state: string;
}

export interface Step {
  readonly title: string;
  /** For the root's shell. */
  readonly command: string;
}

/** Creates a root with packages downloaded but not installed, and a copy. `downloads` are arguments of apt-get install. */
export function makeTwins(
  folder: string,
  downloads: readonly string[],
): readonly [theirs: string, ours: string] {
  const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')] as const;
  const base = join(folder, 'base');
  const [mmdebstrap = ''] = unpackPackages('mmdebstrap');
  const release = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  const inside = (command: string): string => `--customize-hook=chroot "$1" sh -ec '${command}'`;
  const made = spawnSync(
    'perl',
    [
      join(mmdebstrap, 'usr/bin/mmdebstrap'),
      '--mode=root',
      '--variant=minbase',
      '--skip=cleanup/apt,cleanup/reproducible',
      '--dpkgopt=force-unsafe-io',
      '--aptopt=APT::Install-Recommends "false"',
      inside('apt-get -qq update'),
      ...downloads.map((words) => inside(`apt-get -qq -y --download-only install ${words}`)),
      release,
      base,
    ],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  copyFileSync(process.execPath, join(base, 'usr/bin/node'));
  chmodSync(join(base, 'usr/bin/node'), 0o755);
  cpSync(resolve('dist'), join(base, 'opt/binfmtctl'), { recursive: true });
  execFileSync('cp', ['-a', base, ours]);
  renameSync(base, theirs);
  return [theirs, ours];
}

/** Prints the state, without parts that differ between runs. */
const STATE = `
cd /var/lib/binfmts 2> /dev/null && for file in $(ls -A | LC_ALL=C sort); do
  stat -c '%n %A %U' "$file"; cat "$file"; echo
done
echo '== kernel'
cd /proc/sys/fs/binfmt_misc && for file in $(ls -AU); do
  echo "-- $file"; [ "$file" = register ] || cat "$file"
done
echo '== mounted'; grep -c binfmt_misc /proc/mounts
echo '== packages'; dpkg-query -W -f '\${db:Status-Abbrev} \${Package} \${Version}\\n'
echo '== files'; ls -A /usr/share/binfmts /usr/lib/binfmt-support 2> /dev/null
`;

/** Runs the steps in the root one after the other, also after failures. */
export async function runSteps(root: string, steps: readonly Step[]): Promise<readonly Outcome[]> {
  mkdirSync(join(root, 'results'));
  writeFileSync(join(root, 'state'), STATE);
  const script = steps.map(
    ({ command }, index) =>
      `(${command}\n) < /dev/null > /results/${index}.output 2>&1; echo $? > /results/${index}.status\n` +
      `sh /state > /results/${index}.state 2>&1\n`,
  );
  writeFileSync(join(root, 'steps'), script.join(''));
  const enter = `set -e
umount /proc/sys/fs/binfmt_misc
mount --rbind /dev ${root}/dev
mount -t proc proc ${root}/proc
mount -t binfmt_misc binfmt_misc ${root}/proc/sys/fs/binfmt_misc
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot ${root} sh /steps`;
  const child = spawn(process.execPath, ['scripts/private-instance.mjs', '--', 'sh', '-c', enter], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  await new Promise((done) => child.once('close', done));
  if (complaints !== '') throw new Error(complaints);
  const result = (index: number, what: string): string =>
    readFileSync(join(root, 'results', `${index}.${what}`), 'utf8');
  return steps.map((_, index) => ({
    status: result(index, 'status').trim(),
    output: withoutChance(result(index, 'output')),
    state: result(index, 'state'),
  }));
}

/** Without times, and the number of files, which a diversion adds to. */
const withoutChance = (text: string): string =>
  text
    .replace(/^Fetched .*\n/gm, '')
    .replace(/\(Reading database \.\.\. .*\r?(?=\()/g, '')
    .replace(/\(Reading database[^\n]*\n/g, '(Reading database)\n')
    .replace(/\d+ files and directories/g, 'N files and directories');
