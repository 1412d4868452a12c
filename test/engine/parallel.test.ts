/** Containers that register with this machine at once: ten, in one round. PARALLEL_ROUNDS sets how many; the stress run has 20. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../scripts/engine.mjs';
import { unpackPackages } from '../../scripts/packages.mjs';
import { finished, type Ran } from '../kernel/support/command.ts';
import { OVERLAPPING_ENTRIES, OVERLAPPING_SETS } from '../kernel/support/overlapping-sets.ts';
import { amount } from '../stress.ts';
import { BINFMT, type BorrowedHost, borrowHost, entryNames } from './support/host.ts';
import { makeRoot } from './support/images.ts';

const ROUNDS = amount(1, 20, 'PARALLEL_ROUNDS');
const IMAGE = 'binfmtctl:parallel';
/** As the image of a release has them. */
const APPLETS = ['cat', 'chroot', 'mount', 'umount', 'unshare'];
let folder: string;
let host: BorrowedHost;
let engine: Engine;

/** The program with four emulators, in an image like that of a release. */
function makeImage(): void {
  const root = join(folder, 'root');
  const tools = join(root, 'usr/libexec/binfmtctl');
  const names = ['busybox-static', 'util-linux', 'qemu-user-static'];
  const [busybox = '', utilLinux = '', qemu = ''] = unpackPackages(...names);
  makeRoot(root, process.arch === 'arm64' ? 'arm64' : 'amd64');
  mkdirSync(tools, { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), join(tools, 'busybox'));
  copyFileSync(join(utilLinux, 'usr/bin/flock'), join(tools, 'flock'));
  for (const name of APPLETS) symlinkSync('busybox', join(tools, name));
  for (const name of OVERLAPPING_ENTRIES)
    copyFileSync(join(qemu, `usr/bin/${name}-static`), join(root, 'usr/bin', name));
  cpSync('dist', join(root, 'usr/lib/binfmtctl/dist'), { recursive: true });
  execFileSync('tar', ['--create', '--directory', root, '--file', join(folder, 'root.tar'), '.']);
  const changes = [
    'ENTRYPOINT ["node", "/usr/lib/binfmtctl/dist/cli.cjs"]',
    'ENV BINFMTCTL_IMAGE=1 PATH=/usr/libexec/binfmtctl:/nodejs/bin:/usr/bin',
  ].flatMap((change) => ['--change', change]);
  expect(engine.docker('import', ...changes, join(folder, 'root.tar'), IMAGE)).toMatchObject({ status: 0 });
}

beforeAll(async () => {
  host = borrowHost();
  host.mount();
  folder = mkdtempSync(join(tmpdir(), 'binfmtctl-engine-'));
  engine = await startEngine(join(folder, 'engine'));
  makeImage();
});
afterAll(async () => {
  await engine?.stop();
  host?.giveBack();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Without waiting for it, as the engine's own client is run. */
function inContainer(...words: readonly string[]): Promise<Ran> {
  const how = ['run', '--rm', '--privileged', '--network', 'none', IMAGE];
  const child = spawn('docker', ['--host', engine.host, ...how, ...words], { env: engine.env });
  return finished(child);
}

const failed = (runs: readonly Ran[]) =>
  runs.filter(({ status }) => status !== 0).map(({ stderr }) => stderr);

it.each([
  ['install', (set: readonly string[]) => ['install', ...set]],
  ['--install', (set: readonly string[]) => ['--install', set.join(',')]],
])(
  'lets ten containers run %s with overlapping sets at once',
  async (_, wordsFor) => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of entryNames().filter((each) => OVERLAPPING_ENTRIES.includes(each)))
        writeFileSync(join(BINFMT, name), '-1');
      expect(failed(await Promise.all(OVERLAPPING_SETS.map((set) => inContainer(...wordsFor(set)))))).toEqual(
        [],
      );
      expect(entryNames().toSorted()).toEqual(OVERLAPPING_ENTRIES);
    }
    expect(await inContainer('verify')).toMatchObject({ status: 0 });
  },
  300_000 * ROUNDS,
);
