/**
 * The Dockerfile of the checkout, with a stub in place of Node, npm and apt. test/nightly builds it for real, also with Docker's
 * old builder.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../scripts/engine.mjs';
import { type Builder, buildahBuilder, dockerBuilder } from './support/builders.ts';
import { prepareBuildah } from './support/images.ts';
import { makeStubBuilder } from './support/stub-builder.ts';

const BUILDER = 'localhost/binfmtctl-stub-builder';
const IMAGE = 'localhost/binfmtctl-dockerfile-test';
const ARGUMENTS = [`BUILDER=${BUILDER}`, 'BASE=scratch', 'EMULATORS=dir:emulators', 'VERSION=1.2.3'];
const OWN = process.arch === 'x64' ? 'amd64' : 'arm64';
const OTHER = OWN === 'amd64' ? 'arm64' : 'amd64';
let folder: string;
let engine: Engine;

const at = (...names: readonly string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'binfmtctl-engine-'));
  mkdirSync(at('tmp'));
  makeStubBuilder(at('builder'));
  prepareBuildah(at('buildah'));
  engine = await startEngine(at('engine'));
});

afterAll(async () => {
  await engine?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const builders = {
  BuildKit: () => dockerBuilder(engine, '1', IMAGE, at('read')),
  buildah: () => buildahBuilder(at('buildah'), IMAGE),
};
const OFFLINE = ['--network', 'none'];
const words = ['--tag', IMAGE, ...ARGUMENTS.flatMap((each) => ['--build-arg', each])];

describe.each(Object.entries(builders))('the Dockerfile of a checkout with %s', (_, start) => {
  let builder: Builder;

  beforeAll(() => {
    builder = start();
    builder.build(at('builder'), ...OFFLINE, '--tag', BUILDER);
    builder.build(resolve('.'), ...OFFLINE, ...words);
  });

  it('builds the program and collects the contents for this architecture', () => {
    expect(builder.inspect()).toEqual({
      architecture: OWN,
      entrypoint: ['node', '/usr/lib/binfmtctl/dist/cli.cjs'],
    });
    expect(String(builder.read('/licenses/ASKED')).split('\n')).toEqual([
      'npm ci --ignore-scripts',
      'npm run build',
      // Without --platform only BuildKit names the architecture.
      expect.stringMatching(
        `^node scripts/image-contents\\.mjs /contents --source dir:emulators --arch (?:${OWN})?$`,
      ),
      '',
    ]);
    expect(builder.read('/usr/bin/qemu-stub').toString('latin1', 1, 4)).toBe('ELF');
    expect(builder.read('/usr/libexec/binfmtctl/cat').toString('latin1', 1, 4)).toBe('ELF');
    expect(String(builder.read('/usr/lib/binfmtctl/dist/cli.cjs'))).toBe('\n');
  });

  it('sends the sources, and nothing that was built or fetched', () => {
    const files = String(builder.read('/licenses/FILES')).split('\n');
    expect(files).toEqual(
      expect.arrayContaining([
        './package-lock.json',
        './LICENSE',
        './profiles/arch/arm.yaml',
        './src/index.ts',
      ]),
    );
    expect(files.filter((path) => /^\.\/(?:node_modules|dist|\.git|\.cache)(?:\/|$)/.test(path))).toEqual([]);
  });
});

describe.each([
  ['BuildKit', builders.BuildKit],
  ['buildah', builders.buildah],
])('the Dockerfile of a checkout for another architecture with %s', (_, start) => {
  it('runs no programs of that architecture', () => {
    const builder = start();
    builder.build(at('builder'), ...OFFLINE, '--tag', BUILDER);
    builder.build(resolve('.'), ...OFFLINE, '--platform', `linux/${OTHER}`, ...words);
    expect(builder.inspect()).toMatchObject({ architecture: OTHER });
    expect(String(builder.read('/licenses/ASKED'))).toContain(`--arch ${OTHER}\n`);
  });
});
