/** The builders of container images, behind one interface. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../../scripts/engine.mjs';
import { unpackPackages } from '../../../scripts/packages.mjs';

/** Builds a context, and reads from the image that `--tag` named. */
export interface Builder {
  readonly build: (context: string, ...words: readonly string[]) => void;
  readonly read: (path: string) => Buffer;
  readonly inspect: () => { readonly architecture: string; readonly entrypoint: readonly string[] };
}

/** Docker's client with the old builder (`0`) or BuildKit (`1`). `scratch` is a file that `read` may overwrite. */
export function dockerBuilder(engine: Engine, buildKit: '0' | '1', image: string, scratch: string): Builder {
  const run = (...words: readonly string[]): string => {
    const env = { ...engine.env, DOCKER_BUILDKIT: buildKit };
    const { status, stdout, stderr } = spawnSync('docker', ['--host', engine.host, ...words], {
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0) throw new Error(`docker ${words[0]}: ${stdout}${stderr}`);
    return stdout;
  };
  return {
    build: (context, ...words) => run('build', '--no-cache', ...words, context),
    read: (path) => {
      const container = run('create', image).trim();
      run('cp', `${container}:${path}`, scratch);
      run('rm', container);
      return readFileSync(scratch);
    },
    inspect: () => {
      const [{ Architecture, Config }] = JSON.parse(run('image', 'inspect', image));
      return { architecture: Architecture, entrypoint: Config.Entrypoint };
    },
  };
}

/** buildah, as `prepareBuildah` made it in a folder. */
export function buildahBuilder(folder: string, image: string): Builder {
  const [runc = ''] = unpackPackages('runc');
  const run = (...words: readonly string[]): string =>
    execFileSync(join(folder, 'bin/buildah'), words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });
  return {
    build: (context, ...words) =>
      run('bud', '--isolation', 'oci', '--runtime', join(runc, 'usr/sbin/runc'), ...words, context),
    read: (path) => {
      const container = run('from', '--pull-never', image).trim();
      const content = readFileSync(join(run('mount', container).trim(), path));
      run('rm', container);
      return content;
    },
    inspect: () => {
      const { OCIv1 } = JSON.parse(run('inspect', '--type', 'image', image));
      return { architecture: OCIv1.architecture, entrypoint: OCIv1.config.Entrypoint };
    },
  };
}
