// Boots machines, each several times from one disk, and checks a list of cases in each boot.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseReader, scriptOf } from './cases.mjs';
import { busyboxFor, debianDisk } from './disks.mjs';
import { guestArchive } from './guest.mjs';
import { fetchKernel } from './kernel.mjs';
import { startMachine } from './machine.mjs';

/** The release of the programs on the disk, for all kernels. */
const USERLAND = 'trixie';
const HUNG_MS = 900_000;
const AT_ONCE = 2;
const TRIES = 3;

/**
 * Starts `machines(VERSION)` with a release's kernel, two at a time, and prints a line for each case. Each machine uses one disk for all
 * its boots. Boots at most `most` times in total. Returns the names of failed cases.
 */
export async function prove({ suite, arch, userland = USERLAND, machines, most = Number.POSITIVE_INFINITY }) {
  const files = { kernel: fetchKernel(suite, arch), busybox: busyboxFor(userland, arch) };
  const base = debianDisk(userland, arch);
  const work = mkdtempSync(join(tmpdir(), 'binfmtctl-vm-'));
  const started = performance.now();
  try {
    const waiting = upTo(most, machines(files.kernel.version));
    const isAlone = waiting.length === 1;
    const failed = [];
    const runNext = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        failed.push(...(await runMachine(next, { ...files, arch, base, isAlone, work })));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runNext));
    const seconds = Math.round((performance.now() - started) / 1000);
    const [load] = loadavg();
    console.log(`${suite} ${arch}: ${seconds} s, load ${load.toFixed(1)}, failed: ${failed.length}`);
    return failed;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function upTo(most, machines) {
  let left = most;
  return machines.flatMap(({ boots, ...machine }) => {
    const taken = boots.slice(0, left);
    left -= taken.length;
    return taken.length === 0 ? [] : [{ ...machine, boots: taken }];
  });
}

async function runMachine({ boots, qemu }, { base, work, isAlone, ...files }) {
  const folder = mkdtempSync(join(work, 'machine-'));
  const disk = join(folder, 'disk');
  execFileSync('cp', ['--sparse=always', '--reflink=auto', base, disk]);
  const failed = [];
  for (const boot of boots) {
    const lines = [];
    // With two machines, print the lines of each boot together.
    const print = isAlone ? console.log : (line) => lines.push(line);
    failed.push(...(await runBoot(boot, { ...files, qemu, disk, work: folder, print })));
    if (lines.length > 0) console.log(lines.join('\n'));
  }
  return failed;
}

async function runBoot(
  { title, cases, last, isSystemd = false },
  { kernel, busybox, disk, work, print, ...model },
) {
  print(`== ${title}`);
  const initrd = join(work, 'archive');
  const folder = mkdtempSync(join(work, 'boot-'));
  const guest = { work: folder, kernel, busybox, script: scriptOf(cases, last), isSystemd };
  writeFileSync(initrd, guestArchive(guest));
  const { reader, lines } = await start({ ...model, kernel: kernel.image, initrd, disk }, cases, print);
  const results = [...reader.results, ...reader.missing(), ...checkDisk(disk, print)];
  const failed = results.filter(({ wrong }) => wrong.length > 0).map(({ name }) => `${title}: ${name}`);
  if (reader.missing().length > 0) print(lines.slice(-30).join('\n'));
  return failed;
}

/** Runs a machine until it is off. Retries if the kernel panics before the first case: QEMU sometimes fails to emulate a kernel that
 * patches its own code on two processors. */
async function start(machine, cases, print, tries = TRIES) {
  const reader = caseReader(cases, print);
  const lines = [];
  const onLine = (line) => {
    lines.push(line);
    reader.onLine(line);
  };
  const { ended, kill } = startMachine({ ...machine, onLine });
  const guard = setTimeout(kill, HUNG_MS);
  await ended.finally(() => clearTimeout(guard));
  const panic = reader.hasStarted() ? undefined : lines.find((line) => /Kernel panic/.test(line));
  if (panic === undefined || tries === 1) return { reader, lines };
  print(`retrying: ${panic}`);
  return start(machine, cases, print, tries - 1);
}

/** Checks a disk after a power cut: replays the journal, as the next mount does, and expects no errors. */
function checkDisk(disk, print) {
  spawnSync('e2fsck', ['-E', 'journal_only', '-p', disk]);
  const { status, stdout } = spawnSync('e2fsck', ['-f', '-n', disk], { encoding: 'utf8' });
  if (status === 0) return [];
  print(stdout);
  return [{ name: 'file system', wrong: [`e2fsck: exit status ${status}`] }];
}
