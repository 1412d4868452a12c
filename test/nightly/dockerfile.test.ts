/** The Dockerfile of the checkout, really built, with each builder and for two architectures: npm and apt are asked. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../scripts/engine.mjs';
import { type Builder, buildahBuilder, dockerBuilder } from '../engine/support/builders.ts';
import { type BorrowedHost, borrowHost, entryNames } from '../engine/support/host.ts';
import { BASE as BUILDAH_BASE, makeBase, makeRoot, prepareBuildah } from '../engine/support/images.ts';
import { makeNodeBuilder } from './support/node-builder.ts';

const BUILDER = 'localhost/binfmtctl-node-builder';
const BASE = 'localhost/binfmtctl-base';
const IMAGE = 'localhost/binfmtctl';
/** elf.h EM_X86_64, EM_AARCH64 */
const MACHINES = { amd64: 62, arm64: 183 };
const ARCHES = ['amd64', 'arm64'] as const;
const OWN = process.arch === 'x64' ? 'amd64' : 'arm64';
let folder: string;
let engine: Engine;
let host: BorrowedHost;

const at = (...names: readonly string[]): string => join(folder, ...names);

beforeAll(async () => {
  host = borrowHost();
  folder = mkdtempSync(join(tmpdir(), 'binfmtctl-engine-'));
  mkdirSync(at('tmp'));
  makeNodeBuilder(at('builder'));
  for (const arch of ARCHES) makeBaseContext(at('base', arch), arch);
  makeBase(at('buildah-base'), prepareBuildah(at('buildah')));
  engine = await startEngine(at('engine'));
});

afterAll(async () => {
  await engine?.stop();
  host?.giveBack();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const builders = {
  'the old builder of Docker': () => dockerBuilder(engine, '0', IMAGE, at('read')),
  BuildKit: () => dockerBuilder(engine, '1', IMAGE, at('read')),
  buildah: () => buildahBuilder(at('buildah'), IMAGE),
};
const OTHERS = [
  ['BuildKit', OWN === 'amd64' ? 'arm64' : 'amd64'],
  ['buildah', OWN === 'amd64' ? 'arm64' : 'amd64'],
] as const;

describe.each([...Object.keys(builders).map((name) => [name, OWN] as const), ...OTHERS])(
  'the Dockerfile of a checkout with %s, for %s',
  (name, arch) => {
    let builder: Builder;

    beforeAll(() => {
      builder = builders[name as keyof typeof builders]();
      const platform = arch === OWN ? [] : ['--platform', `linux/${arch}`];
      builder.build(at('builder'), '--tag', BUILDER);
      // buildah finds a base of another platform only through a manifest list.
      const base = name === 'buildah' ? BUILDAH_BASE : BASE;
      if (base === BASE) builder.build(at('base', arch), ...platform, '--tag', BASE);
      const bases = ['--build-arg', `BUILDER=${BUILDER}`, '--build-arg', `BASE=${base}`];
      builder.build(resolve('.'), '--network', 'host', ...platform, ...bases, '--tag', IMAGE);
    });

    it('contains the program, and emulators and tools of that architecture', () => {
      expect(builder.inspect()).toEqual({
        architecture: arch,
        entrypoint: ['node', '/usr/lib/binfmtctl/dist/cli.cjs'],
      });
      expect(builder.read('/usr/lib/binfmtctl/dist/cli.cjs').length).toBeGreaterThan(1000);
      for (const path of ['/usr/bin/qemu-riscv64', '/usr/bin/qemu-s390x', '/usr/libexec/binfmtctl/flock'])
        expect(builder.read(path).readUInt16LE(18)).toBe(MACHINES[arch]);
      expect(String(builder.read('/licenses/SOURCES'))).toMatch(/QEMU [0-9.]+ from apt/);
    });

    if (arch !== OWN || name === 'buildah') return;
    it('installs on the machine', () => {
      host.mount();
      const ours = (...words: readonly string[]) =>
        engine.docker('run', '--rm', '--privileged', '--network', 'none', IMAGE, ...words);
      expect(ours('install', 'riscv64', 's390x')).toMatchObject({ status: 0 });
      expect(entryNames()).toEqual(expect.arrayContaining(['qemu-riscv64', 'qemu-s390x']));
      expect(ours('verify')).toMatchObject({ status: 0 });
      expect(ours('--uninstall', 'qemu-*')).toMatchObject({ status: 0 });
    });
  },
);

function makeBaseContext(context: string, arch: (typeof ARCHES)[number]): void {
  makeRoot(join(context, 'root'), arch);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\n');
}
