/** The container image, as scripts/release makes it, on an engine that registers with this very machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, type Ran, startEngine } from '../../scripts/engine.mjs';
import { unpackPackages } from '../../scripts/packages.mjs';
import { describeCircumstances } from './support/circumstances.ts';
import { BINFMT, type BorrowedHost, borrowHost, entryNames, isHeldBySomebody } from './support/host.ts';
import { makeHostileStore } from './support/hostile-store.ts';
import { BASE, makeBase, makeForeignContext, prepareBuildah, toDockerArchive } from './support/images.ts';
import { describeRemapped } from './support/remapped.ts';
import { describeSetupQemuAction } from './support/setup-qemu-action.ts';

const IMAGE = 'binfmtctl:test';
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const ARCHIVE = `binfmtctl-${version}.oci.tar`;
/** What each platform's image can run, and the machine number of its own programs (elf.h EM_X86_64, EM_AARCH64). */
const CONTENTS = {
  amd64: { guests: ['aarch64', 'riscv64'], machine: 62 },
  arm64: { guests: ['riscv64', 'x86_64'], machine: 183 },
};
const ARCHES = ['amd64', 'arm64'] as const;
const GUESTS = CONTENTS.amd64.guests;
let folder: string;
let host: BorrowedHost;
let engine: Engine;
let busybox: string;

const at = (...names: readonly string[]): string => join(folder, ...names);
const ourImage = (...words: readonly string[]): Ran =>
  engine.docker('run', '--rm', '--privileged', '--network', 'none', IMAGE, ...words);
const buildForeign = (): Ran =>
  engine.docker(
    ...['build', '--network', 'none', '--no-cache', '--platform', 'linux/arm64'],
    '-t',
    'foreign',
    at('foreign'),
  );
const runForeign = (): Ran =>
  engine.docker('run', '--rm', '--network', 'none', '--platform', 'linux/arm64', 'foreign');
/** On the machine itself, outside of all containers. */
const machineAsSeenBy = (program: string): string =>
  spawnSync(program, ['uname', '-m'], { encoding: 'utf8', env: {} }).stdout ?? '';

function release(out: string, ...options: readonly string[]): string {
  const words = [
    ...['scripts/release.mjs', at(out), '--platform', 'linux/amd64,linux/arm64'],
    ...['--base', BASE, '--lock', at('lock')],
  ];
  const env = { ...process.env, PATH: `${at('buildah/bin')}:${process.env['PATH']}`, TMPDIR: at('tmp') };
  return execFileSync(process.execPath, [...words, ...options], { env, encoding: 'utf8' }).trim();
}

beforeAll(async () => {
  host = borrowHost();
  folder = mkdtempSync(join(tmpdir(), 'binfmtctl-engine-'));
  mkdirSync(at('tmp'));
  for (const arch of ARCHES) {
    mkdirSync(at('emulators', arch), { recursive: true });
    const [debian = ''] = unpackPackages(arch === 'amd64' ? 'qemu-user-static' : `qemu-user-static:${arch}`);
    for (const name of CONTENTS[arch].guests.map((id) => `qemu-${id}-static`))
      copyFileSync(join(debian, 'usr/bin', name), at('emulators', arch, name));
  }
  makeBase(at('base'), prepareBuildah(at('buildah')));
  ({ busybox } = makeForeignContext(at('foreign')));
  engine = await startEngine(at('engine'));
});

afterAll(async () => {
  await engine?.stop();
  host?.giveBack();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('a release', () => {
  const sums = (out: string): string => readFileSync(at(out, 'SHA256SUMS'), 'utf8');
  let digest: string;

  beforeAll(async () => {
    const sources = ARCHES.flatMap((arch) => ['--source', `linux/${arch}=dir:${at('emulators', arch)}`]);
    digest = release('first', '--update-lock', ...sources);
    await toDockerArchive(at('first', ARCHIVE), at('image.tar'), IMAGE);
    expect(engine.docker('load', '--input', at('image.tar'))).toMatchObject({ status: 0 });
  });

  it('is the same, byte by byte, when it is made again', () => {
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(release('second')).toBe(digest);
    expect(sums('second')).toBe(sums('first'));
    expect(sums('first').match(/^[0-9a-f]{64} {2}\S+$/gm)).toHaveLength(6);
  });

  it('has an image for each platform, whose programs are for that one', () => {
    execFileSync('tar', ['--extract', '--directory', at('tmp'), '--file', at('first', ARCHIVE)]);
    const blob = (name: string) => JSON.parse(readFileSync(at('tmp/blobs', name.replace(':', '/')), 'utf8'));
    const manifests: readonly { digest: string; platform: object }[] = blob(digest).manifests;
    expect(manifests.map(({ platform }) => platform)).toMatchObject(
      ARCHES.map((architecture) => ({ os: 'linux', architecture })),
    );
    for (const [index, arch] of ARCHES.entries()) {
      const config = blob(blob(manifests[index]?.digest ?? '').config.digest);
      expect(config).toMatchObject({ architecture: arch, config: { User: '0:0' } });
      expect(config.config.Entrypoint).toEqual(['node', '/usr/lib/binfmtctl/dist/cli.cjs']);
      const { guests, machine } = CONTENTS[arch];
      const context = at('first/image', `linux-${arch}`);
      expect(readdirSync(join(context, 'emulators'))).toEqual(guests.map((id) => `qemu-${id}`));
      for (const path of [...guests.map((id) => `emulators/qemu-${id}`), 'tools/busybox', 'tools/flock'])
        expect(readFileSync(join(context, path)).readUInt16LE(18)).toBe(machine);
    }
  });

  it('is refused where the emulators are not those of the lock file', () => {
    const other = readFileSync(at('lock'), 'utf8').replace(/sha256: ../g, 'sha256: 00');
    writeFileSync(at('other.lock'), other);
    const ran = spawnSync(
      process.execPath,
      [
        'scripts/release.mjs',
        at('third'),
        '--platform',
        'linux/amd64',
        '--lock',
        at('other.lock'),
        '--without-image',
      ],
      { encoding: 'utf8' },
    );
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/binfmtctl: .*other\.lock/);
  });

  it('has an image with labels, licences and the sources of all that is in it, and without a shell', () => {
    const [facts] = JSON.parse(engine.docker('image', 'inspect', IMAGE).stdout);
    expect(facts.Config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'binfmtctl',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$/),
      'org.opencontainers.image.licenses': expect.stringContaining('Apache-2.0'),
      'binfmtctl.sources': '/licenses/SOURCES',
    });
    const name = engine.docker('create', IMAGE).stdout.trim();
    engine.docker('export', '--output', at('contents.tar'), name);
    engine.docker('rm', name);
    const paths = execFileSync('tar', ['--list', '--file', at('contents.tar')], { encoding: 'utf8' }).split(
      '\n',
    );
    expect(paths).toEqual(expect.arrayContaining(GUESTS.map((id) => `usr/bin/qemu-${id}`)));
    expect(paths.filter((path) => /(^|\/)(ba|da|a|z|k)?sh$/.test(path))).toEqual([]);
    const read = (path: string) =>
      execFileSync('tar', ['--extract', '--to-stdout', '--file', at('contents.tar'), path], {
        encoding: 'utf8',
      });
    expect(read('licenses/SOURCES')).toMatch(
      /QEMU 7\.\d+\.\d+ from dir:[\s\S]*of the source package busybox [\s\S]*of the source package util-linux /,
    );
    expect(read('licenses/JAVASCRIPT')).toMatch(/=== yaml [\s\S]*Permission to use/);
    expect(read('licenses/GPL-2')).toMatch(/GNU GENERAL PUBLIC LICENSE/);
    const compressed = statSync(at('first', ARCHIVE)).size;
    console.log(
      `image: ${facts.Size} bytes, ${compressed} compressed, with ${GUESTS.length} emulators and the base`,
    );
  });
});

describe('docker run', () => {
  it('fails without --privileged, with one line and a hint', () => {
    const ran = engine.docker('run', '--rm', '--network', 'none', IMAGE, 'install', 'arm64');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toMatch(/^hint: .*--privileged.*\nbinfmtctl: no binfmt_misc at .*\n$/);
  });

  it('fails for an architecture that there is not', () => {
    expect(ourImage('install', 'none')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^hint: .*\nbinfmtctl: unknown architecture .*\n$/),
    });
  });

  it('refuses to register where that would be gone with the container', () => {
    // Somebody else's mount is not ours to take away: there it cannot happen.
    const isHeld = isHeldBySomebody();
    const gone = isHeld
      ? { status: 0, stderr: expect.not.stringContaining('only this mount namespace') }
      : {
          status: 3,
          stderr: expect.stringMatching(
            /cannot register lasting entries at .*: only this mount namespace holds .*\n$/,
          ),
        };
    expect(ourImage('install', 'arm64')).toMatchObject(gone);
    if (!isHeld) {
      expect(ourImage('--install', 'arm64')).toMatchObject({ ...gone, stdout: '' });
      expect(JSON.parse(ourImage().stdout)).toMatchObject({ emulators: [] });
    }
  });
});

describe('docker run on a machine with binfmt_misc', () => {
  beforeAll(() => {
    host.mount();
    ourImage('--uninstall', 'qemu-*');
    expect(entryNames().filter((name) => name.startsWith('qemu-'))).toEqual([]);
  });
  afterEach(() => void ourImage('--uninstall', 'qemu-*'));

  it('cannot build for arm64 before', () => {
    const { status, stderr } = buildForeign();
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('exec format error') });
    expect(machineAsSeenBy(busybox)).not.toBe('aarch64\n');
  });

  it('fails for an architecture that is not in it', () => {
    expect(ourImage('install', 'mips', '--quiet')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^hint: .*\nbinfmtctl: no emulator for mips found .*\n$/),
    });
  });

  it('installs all that it has, in place, for the machine and all containers', () => {
    const began = Date.now();
    const installed = ourImage('install', '--all', '--json', '--quiet');
    console.log(`docker run … install --all: ${Date.now() - began} ms`);
    expect({ status: installed.status, stderr: installed.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(installed.stdout).proofs).toMatchObject(
      GUESTS.map((arch) => ({
        arch,
        emulator: { path: `/usr/bin/qemu-${arch}` },
        host: { holds: true },
        chroot: { holds: true },
        mountNamespace: { holds: true },
      })),
    );
    // The container is gone; its entries are not.
    expect(entryNames()).toEqual(expect.arrayContaining(GUESTS.map((id) => `qemu-${id}`)));
    expect(machineAsSeenBy(busybox)).toBe('aarch64\n');
    expect(buildForeign()).toMatchObject({ status: 0 });
    expect(runForeign()).toMatchObject({ status: 0, stdout: 'aarch64\n3\n' });
    expect(ourImage('install', 'arm64').stdout).toMatch(/arm64 +already works: qemu/);
    expect(ourImage('verify')).toMatchObject({ status: 0 });
    expect(ourImage('status').stdout).toMatch(/qemu-aarch64/);
    // Which entries are ours is known to the container that made them.
    expect(ourImage('uninstall', 'arm64').stderr).toMatch(/^hint: .*binfmtctl uninstall qemu-aarch64/m);
    expect(ourImage('uninstall', 'qemu-aarch64')).toMatchObject({ status: 0 });
    expect(buildForeign()).toMatchObject({ status: 1 });
  });

  it('takes the flags of tonistiigi/binfmt, as docker/setup-qemu-action gives them', () => {
    expect(ourImage('--version')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(/^binfmt\/binfmtctl-/),
    });
    const installed = ourImage('--install', 'arm64,linux/riscv64');
    expect(installed).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^installing: arm64 OK\ninstalling: linux\/riscv64 OK\nnote: flag C .*\nnote: the entries last .*\n$/,
      ),
    });
    const listed = ourImage();
    expect(listed.stderr).toBe('');
    for (const { stdout } of [installed, listed])
      expect(JSON.parse(stdout)).toEqual({
        supported: expect.arrayContaining(['linux/amd64', 'linux/arm64', 'linux/riscv64']),
        emulators: ['qemu-aarch64', 'qemu-riscv64'],
      });
    expect(buildForeign()).toMatchObject({ status: 0 });
    expect(ourImage('--install', 'all')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('already'),
    });
    expect(ourImage('--install', 'arm64,none')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^installing: arm64 already registered\ninstalling: none unknown .*\nerror: none: unknown .*\n$/,
      ),
    });
    const removed = ourImage('--uninstall', 'arm64,qemu-riscv64');
    expect(removed).toMatchObject({
      status: 0,
      stderr: 'uninstalling: qemu-aarch64 OK\nuninstalling: qemu-riscv64 OK\n',
    });
    expect(JSON.parse(removed.stdout)).toMatchObject({ emulators: [] });
    expect(buildForeign().status).toBe(1);
  });

  it('registers nothing that the volume of another container suggests', () => {
    const store = at('hostile');
    const [amd64 = ''] = unpackPackages('busybox-static');
    makeHostileStore(store, join(amd64, 'bin/busybox'));
    const withVolume = (...words: readonly string[]): Ran =>
      engine.docker(
        ...['run', '--rm', '--privileged', '--network', 'none'],
        ...['-v', `${store}:/var/lib/binfmtctl`, IMAGE, ...words],
      );
    const before = entryNames();
    withVolume('status');
    withVolume('uninstall', '--all');
    withVolume('verify');
    expect(entryNames()).toEqual(before);
    makeHostileStore(store, join(amd64, 'bin/busybox'));
    withVolume('install', 'arm64', 'riscv64');
    withVolume('--install', 'all');
    const registered = entryNames().filter((name) => !before.includes(name));
    const interpreters = registered.map((name) => {
      const [, interpreter] = /^interpreter (.*)$/m.exec(readFileSync(join(BINFMT, name), 'utf8')) ?? [];
      if (name.startsWith('hostile')) writeFileSync(join(BINFMT, name), '-1');
      return [name, interpreter];
    });
    expect(interpreters.toSorted()).toEqual(GUESTS.map((id) => [`qemu-${id}`, `/usr/bin/qemu-${id}`]));
  });
});

describeSetupQemuAction(
  IMAGE,
  () => engine,
  () => host,
);
describeCircumstances(
  IMAGE,
  () => engine,
  () => host,
);
describeRemapped(
  IMAGE,
  () => at('image.tar'),
  () => at('remapped'),
);
