// The drop-ins beside the programs whose place they take, and run-detectors for a program's start; within private.mjs.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../packages.mjs';
import { ratio, summary, time } from './measure.mjs';

const NODE = process.execPath;
const COMMAND = resolve('dist/cli.cjs');
const FORMATS = 30;
const GOAL = 3.7;
const DETECTING_GOAL = 2;

/** Ratios to the whole time of theirs: of what ours take beyond `node -e 0`; for run-detectors, a shell, of all of it. */
export function dropIns({ work, runs, removeEntries }) {
  const [support, pipeline, systemd, shared] = unpackPackages(
    ...['binfmt-support', 'libpipeline1', 'systemd', 'libsystemd-shared'],
  );
  const libraries = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: [
      join(pipeline, 'usr/lib', libraries),
      join(shared, 'usr/lib', libraries, 'systemd'),
    ].join(':'),
  };
  const { admin, conf } = writeFormats(work);
  const updateBinfmts = ['--admindir', admin, '--enable'];
  const cases = {
    node: [NODE, '-e', '0'],
    ourEnable: [NODE, COMMAND, 'update-binfmts', ...updateBinfmts],
    theirEnable: [join(support, 'usr/sbin/update-binfmts'), ...updateBinfmts],
    ourSystemd: [NODE, COMMAND, 'systemd-binfmt', conf],
    theirSystemd: [join(systemd, 'lib/systemd/systemd-binfmt'), conf],
  };
  const times = inTurn(cases, runs, { env, after: removeEntries, expect: FORMATS });
  const detecting = detect(
    work,
    runs,
    env,
    join(support, 'usr/lib/binfmt-support/run-detectors'),
    removeEntries,
  );
  return [
    ratio(
      `update-binfmts --enable of ${FORMATS} formats beyond Node's start`,
      beyond(times.ourEnable, times.node),
      times.theirEnable,
      GOAL,
    ),
    ratio(
      `systemd-binfmt of ${FORMATS} rules beyond Node's start`,
      beyond(times.ourSystemd, times.node),
      times.theirSystemd,
      GOAL,
    ),
    ratio(
      'run-detectors, all of its delay at the start of a program',
      detecting.ours,
      detecting.theirs,
      DETECTING_GOAL,
    ),
  ];
}

/** Thirty formats, as binfmt-support and as binfmt.d keep them. */
function writeFormats(work) {
  const admin = join(work, 'formats');
  mkdirSync(admin, { recursive: true });
  const conf = join(work, 'formats.conf');
  const names = Array.from({ length: FORMATS }, (_, index) => `format${index}`);
  for (const name of names) {
    writeFileSync(join(admin, name), `:\nmagic\n0\nBENCH-${name}\n\n/bin/true\n\n\n\n\n`);
  }
  writeFileSync(conf, names.map((name) => `:${name}:M::BENCH-${name}::/bin/true:\n`).join(''));
  return { admin, conf };
}

/** Programs of formats with a detector, each started through one of the two, as the kernel does it. */
function detect(work, runs, env, theirs, removeEntries) {
  // Without options: the kernel gives none. Of this mount namespace alone.
  execFileSync('mount', ['-t', 'tmpfs', 'formats', '/var/lib']);
  try {
    mkdirSync('/var/lib/binfmts');
    const cases = {};
    for (const [name, program] of Object.entries({ ours: resolve('dist/run-detectors'), theirs })) {
      writeFileSync(`/var/lib/binfmts/${name}`, `:\nmagic\n0\nBENCH-${name}\n\n/bin/true\n/bin/true\n\n\n\n`);
      writeFileSync('/proc/sys/fs/binfmt_misc/register', `:${name}:M::BENCH-${name}::${program}:`);
      const file = join(work, `detected-${name}`);
      writeFileSync(file, `BENCH-${name}`);
      chmodSync(file, 0o755);
      cases[name] = [file];
    }
    return inTurn(cases, 3 * runs, { env, after: () => {}, expect: 2 });
  } finally {
    removeEntries();
    execFileSync('umount', ['/var/lib']);
  }
}

function inTurn(cases, runs, { env, after, expect }) {
  const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const [name, command] of Object.entries(cases)) {
      const taken = time(command, { env });
      const entries = readdirSync('/proc/sys/fs/binfmt_misc').length - 2;
      if (name !== 'node' && entries !== expect)
        throw new Error(`${name}: ${entries} entries, not ${expect}`);
      after();
      if (run > 0) times[name].push(taken);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, taken]) => [name, summary(taken)]));
}

/** A difference of medians has no range of its own. */
function beyond(all, start) {
  const extra = Math.max(all.median - start.median, 0);
  return { median: extra, min: extra, max: extra, runs: all.runs };
}
