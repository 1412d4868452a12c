// The drop-ins beside the programs whose place they take, and run-detectors for a program's start; within private.mjs.
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../packages.mjs';
import { ratio, summary, time } from './measure.mjs';

const NODE = process.execPath;
const COMMAND = resolve('dist/cli.cjs');
const FORMATS = 30;
const GOAL = 2;

/** Ratios of what ours take beyond `node -e 0` to the whole time of theirs. */
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
      "run-detectors, the start of a program beyond Node's",
      beyond(detecting.ours, detecting.node),
      detecting.theirs,
      GOAL,
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

/** A file of a format with a detector, started with each of the two programs as its interpreter. */
function detect(work, runs, env, theirs, removeEntries) {
  const file = join(work, 'detected');
  writeFileSync(file, 'BENCH-detected');
  chmodSync(file, 0o755);
  const admin = join(work, 'detected-formats');
  mkdirSync(admin, { recursive: true });
  writeFileSync(join(admin, 'detected'), ':\nmagic\n0\nBENCH-detected\n\n/bin/true\n/bin/true\n\n\n\n');
  const words = ['--admindir', admin, file];
  writeFileSync('/proc/sys/fs/binfmt_misc/register', ':detected:M::BENCH-detected::/bin/true:');
  const cases = {
    node: [NODE, '-e', '0'],
    ours: [resolve('dist/run-detectors'), ...words],
    theirs: [theirs, ...words],
  };
  const times = inTurn(cases, 3 * runs, { env, after: () => {}, expect: 1 });
  removeEntries();
  return times;
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
