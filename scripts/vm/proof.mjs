// Boots a machine several times from one disk, with a list of cases for each boot, and checks all of them.
import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseReader, scriptOf } from './cases.mjs';
import { busyboxFor, debianDisk } from './disks.mjs';
import { guestArchive } from './guest.mjs';
import { fetchKernel } from './kernel.mjs';
import { startMachine } from './machine.mjs';

/** The release whose programs are on the disk, whatever the kernel. */
const USERLAND = 'trixie';
const HUNG_MS = 900_000;

/** Boots a release's kernel once for each of `boots(VERSION)` and prints a line for each case. Returns the names of cases that failed. */
export async function prove({ suite, arch, userland = USERLAND, boots, qemu = [] }) {
  const files = { kernel: fetchKernel(suite, arch), busybox: busyboxFor(userland, arch) };
  const base = debianDisk(userland, arch);
  const work = mkdtempSync(join(tmpdir(), 'binfmtctl-vm-'));
  const started = performance.now();
  try {
    const disk = join(work, 'disk');
    copyFileSync(base, disk, constants.COPYFILE_FICLONE);
    const failed = [];
    for (const boot of boots(files.kernel.version))
      failed.push(...(await runBoot(boot, { ...files, arch, qemu, disk, work })));
    console.log(
      `${suite} ${arch}: ${Math.round((performance.now() - started) / 1000)} s, failed: ${failed.length}`,
    );
    return failed;
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function runBoot(
  { title, cases, last, isSystemd = false },
  { kernel, busybox, arch, qemu, disk, work },
) {
  console.log(`== ${title}`);
  const initrd = join(work, 'archive');
  const folder = mkdtempSync(join(work, 'boot-'));
  writeFileSync(
    initrd,
    guestArchive({ work: folder, kernel, busybox, script: scriptOf(cases, last), isSystemd }),
  );
  const reader = caseReader(cases, console.log);
  const lines = [];
  const onLine = (line) => {
    lines.push(line);
    reader.onLine(line);
  };
  const machine = startMachine({ arch, kernel: kernel.image, initrd, disk, qemu, onLine });
  const guard = setTimeout(machine.kill, HUNG_MS);
  await machine.ended.finally(() => clearTimeout(guard));
  const results = [...reader.results, ...reader.missing(), ...checkDisk(disk)];
  const failed = results.filter(({ wrong }) => wrong.length > 0).map(({ name }) => `${title}: ${name}`);
  if (reader.missing().length > 0) console.log(lines.slice(-30).join('\n'));
  return failed;
}

/** A disk after a power cut: the journal is replayed, as at the next mount, and then nothing may be wrong. */
function checkDisk(disk) {
  spawnSync('e2fsck', ['-E', 'journal_only', '-p', disk]);
  const { status, stdout } = spawnSync('e2fsck', ['-f', '-n', disk], { encoding: 'utf8' });
  if (status === 0) return [];
  console.log(stdout);
  return [{ name: 'file system', wrong: [`e2fsck: exit status ${status}`] }];
}
