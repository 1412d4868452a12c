/** The GitHub Action and the runner's cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Acted, actionRunner } from './support/action.ts';
import { type CacheService, startCacheService } from './support/cache-service.ts';
import { documentOf } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const { run, workspace, forgetStore } = actionRunner();
const emulators = join(folder, 'emulators');
const inputs = { platforms: 'riscv64,s390x', lock: 'ci.lock' };
let service: CacheService;

function bringEmulators(): void {
  mkdirSync(emulators, { recursive: true });
  for (const guest of ['riscv64', 's390x'])
    copyFileSync(join(emulatorFolder(), `qemu-${guest}-static`), join(emulators, `qemu-${guest}-static`));
}
const loseEmulators = (): void => rmSync(emulators, { recursive: true });
const registered = (): readonly string[] => Object.keys(entries()).toSorted();
const errors = ({ annotations }: Acted) => annotations.filter(({ kind }) => kind === 'error');
const withCache = (as: 'root' | 'sudo' = 'sudo') => run(inputs, { as, env: service.env });

beforeAll(async () => {
  bringEmulators();
  const lock = join(workspace, 'ci.lock');
  const store = join(folder, 'store');
  const from = ['--source', `dir:${emulators}`, '--store', store, `--lock=${lock}`];
  await documentOf(['install', 'riscv64,s390x', ...from]);
  await documentOf(['uninstall', '--all', '--purge', '--store', store]);
  chmodSync(lock, 0o644);
});
beforeEach(async () => {
  bringEmulators();
  service = await startCacheService();
});
afterEach(async () => {
  await service.close();
  removeAllEntries();
  forgetStore();
});
afterAll(removeAllEntries);

describe('the cache of the action', () => {
  it('is filled by the first job, and spares the next one the source', async () => {
    const first = await withCache();
    expect({ status: first.status, errors: errors(first) }).toEqual({ status: 0, errors: [] });
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
    expect([...service.archives.keys()]).toEqual([
      expect.stringMatching(/^binfmtctl-\d+\.\d+\.\d+-linux-(?:x86_64|aarch64)-[0-9a-f]{32}$/),
    ]);
    removeAllEntries();
    forgetStore();
    loseEmulators();
    service.requests.length = 0;
    const second = await withCache();
    expect({ status: second.status, errors: errors(second) }).toEqual({ status: 0, errors: [] });
    expect(second.log).toContain("emulators are in the runner's cache");
    expect(second.summary).toContain('host, chroot, mount namespace');
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
    expect(service.requests.map((line) => line.replace(/.*\//, '').slice(0, 9))).toEqual([
      'GetCacheE',
      'binfmtctl',
    ]);
  });

  it.each([
    ['in an emulator', (bundle: Buffer) => bundle.fill(0x90, bundle.length / 2, bundle.length / 2 + 64)],
    [
      'in its manifest',
      (bundle: Buffer) => bundle.fill('x', bundle.indexOf('"guest"'), bundle.indexOf('"guest"') + 5),
    ],
    ['in its end, which is missing', (bundle: Buffer) => bundle.fill(0, bundle.length / 2)],
  ])('is not believed: wrong bytes %s are a warning, and emulators are fetched again', async (_, spoil) => {
    await withCache();
    removeAllEntries();
    forgetStore();
    const [[key = '', archive = Buffer.alloc(0)] = []] = [...service.archives];
    service.archives.set(key, gzipSync(spoil(gunzipSync(archive)), { level: 1 }));
    const acted = await withCache();
    expect({ status: acted.status, errors: errors(acted) }).toEqual({ status: 0, errors: [] });
    expect(acted.annotations).toContainEqual({
      kind: 'warning',
      text: expect.stringMatching(
        /runner's cache cannot be used and are fetched again: .*Delete the cache binfmtctl-/,
      ),
    });
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });

  it.each(['gzip', 'zstd'])(
    'writes no file but the bundle: an archive of others, packed by %s',
    async (packer) => {
      await withCache();
      removeAllEntries();
      forgetStore();
      const victim = join(workspace, 'victim');
      writeFileSync(victim, 'before');
      chmodSync(victim, 0o666);
      const evil = join(folder, 'evil');
      writeFileSync(evil, 'after');
      const tar = execFileSync('tar', ['-cP', `--transform=s,${evil},${victim},`, evil]);
      const archive = execFileSync(packer, ['-c'], { input: tar });
      for (const key of service.archives.keys()) service.archives.set(key, archive);
      const acted = await withCache();
      expect(readFileSync(victim, 'utf8')).toBe('before');
      expect({ status: acted.status, errors: errors(acted) }).toEqual({ status: 0, errors: [] });
      expect(acted.annotations.filter(({ kind }) => kind === 'warning')).not.toEqual([]);
      expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
    },
  );

  it('is a warning where what it sends is no archive', async () => {
    await withCache();
    removeAllEntries();
    forgetStore();
    for (const key of service.archives.keys()) service.archives.set(key, Buffer.from('nothing of ours'));
    const acted = await withCache();
    expect({ status: acted.status, errors: errors(acted) }).toEqual({ status: 0, errors: [] });
    expect(acted.annotations).toContainEqual({
      kind: 'warning',
      text: expect.stringMatching(/^Failed to restore: /),
    });
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });

  it('is a warning where its service is out of order', async () => {
    const url = service.env['ACTIONS_RESULTS_URL'] ?? '';
    const env = { ACTIONS_CACHE_URL: url, ACTIONS_RUNTIME_TOKEN: 'a.b.c' };
    const acted = await run(inputs, { env });
    expect({ status: acted.status, errors: errors(acted) }).toEqual({ status: 0, errors: [] });
    expect(acted.annotations.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^Failed to restore: .*500/),
    );
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });

  it('is not asked where it is not wanted, and what the lock names is installed all the same', async () => {
    const { status } = await run({ ...inputs, cache: 'false' }, { as: 'sudo', env: service.env });
    expect(status).toBe(0);
    expect(service.requests).toEqual([]);
    expect(registered()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });
});

describe('a lock file', () => {
  it('refuses other bytes than it names, wherever they come from', async () => {
    copyFileSync(join(emulators, 'qemu-s390x-static'), join(emulators, 'qemu-riscv64-static'));
    const { status, annotations } = await run({ ...inputs, platforms: 'riscv64' }, { as: 'sudo' });
    expect(status).toBe(1);
    expect(annotations.at(-1)).toMatchObject({ kind: 'error', text: expect.stringContaining('\nhint: ') });
    expect(entries()).toEqual({});
  });

  it('refuses a platform that it does not have', async () => {
    const { status, annotations } = await run({ ...inputs, platforms: 'riscv64,sh4' }, { as: 'sudo' });
    expect(status).toBe(1);
    expect(annotations).toEqual([
      { kind: 'error', text: expect.stringMatching(/has no emulator for sh4\nhint: /) },
    ]);
    expect(readFileSync(join(workspace, 'ci.lock'), 'utf8')).toContain('riscv64');
    expect(entries()).toEqual({});
  });
});
