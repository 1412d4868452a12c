/** The Dockerfile of the checkout, with each builder, and a stub in place of Node, npm and apt. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../scripts/engine.mjs';
import { unpackPackages } from '../../scripts/packages.mjs';
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

/** A builder: builds a context, and shows the image's root in a directory. */
interface Builder {
  readonly build: (context: string, ...words: readonly string[]) => void;
  readonly read: (path: string) => string;
  readonly inspect: () => { readonly architecture: string; readonly entrypoint: readonly string[] };
}

const docker = (buildKit: '0' | '1'): Builder => {
  const run = (...words: readonly string[]): string => {
    const env = { ...engine.env, DOCKER_BUILDKIT: buildKit };
    const { status, stdout, stderr } = spawnSync('docker', ['--host', engine.host, ...words], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`docker ${words[0]}: ${stdout}${stderr}`);
    return stdout;
  };
  return {
    build: (context, ...words) => run('build', '--network', 'none', '--no-cache', ...words, context),
    read: (path) => {
      const container = run('create', IMAGE).trim();
      run('cp', `${container}:${path}`, at('read'));
      run('rm', container);
      return readFileSync(at('read'), 'utf8');
    },
    inspect: () => {
      const [{ Architecture, Config }] = JSON.parse(run('image', 'inspect', IMAGE));
      return { architecture: Architecture, entrypoint: Config.Entrypoint };
    },
  };
};

const buildah = (): Builder => {
  const [runc = ''] = unpackPackages('runc');
  const run = (...words: readonly string[]): string =>
    execFileSync(at('buildah/bin/buildah'), words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    build: (context, ...words) =>
      run(
        ...['bud', '--quiet', '--isolation', 'oci', '--runtime', join(runc, 'usr/sbin/runc')],
        ...['--network', 'host', ...words, context],
      ),
    read: (path) => {
      const container = run('from', '--pull-never', IMAGE).trim();
      const text = readFileSync(join(run('mount', container).trim(), path), 'utf8');
      run('rm', container);
      return text;
    },
    inspect: () => {
      const { OCIv1 } = JSON.parse(run('inspect', '--type', 'image', IMAGE));
      return { architecture: OCIv1.architecture, entrypoint: OCIv1.config.Entrypoint };
    },
  };
};

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
  'the old builder of Docker': () => docker('0'),
  BuildKit: () => docker('1'),
  buildah,
};
const words = ['--tag', IMAGE, ...ARGUMENTS.flatMap((each) => ['--build-arg', each])];

describe.each(Object.entries(builders))('the Dockerfile of a checkout with %s', (_, start) => {
  let builder: Builder;

  beforeAll(() => {
    builder = start();
    builder.build(at('builder'), '--tag', BUILDER);
    builder.build(resolve('.'), ...words);
  });

  it('builds the program and collects the contents for this architecture', () => {
    expect(builder.inspect()).toEqual({
      architecture: OWN,
      entrypoint: ['node', '/usr/lib/binfmtctl/dist/cli.cjs'],
    });
    expect(builder.read('/licenses/ASKED').split('\n')).toEqual([
      'npm ci --ignore-scripts',
      'npm run build',
      // Without --platform only BuildKit names the architecture.
      expect.stringMatching(
        `^node scripts/image-contents\\.mjs /contents --source dir:emulators --arch (?:${OWN})?$`,
      ),
      '',
    ]);
    expect(builder.read('/usr/bin/qemu-stub').slice(1, 4)).toBe('ELF');
    expect(builder.read('/usr/libexec/binfmtctl/cat').slice(1, 4)).toBe('ELF');
    expect(builder.read('/usr/lib/binfmtctl/dist/cli.cjs')).toBe('\n');
  });

  it('sends the sources, and nothing that was built or fetched', () => {
    const files = builder.read('/licenses/FILES').split('\n');
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
    builder.build(at('builder'), '--tag', BUILDER);
    builder.build(resolve('.'), '--platform', `linux/${OTHER}`, ...words);
    expect(builder.inspect()).toMatchObject({ architecture: OTHER });
    expect(builder.read('/licenses/ASKED')).toContain(`--arch ${OTHER}\n`);
  });
});
