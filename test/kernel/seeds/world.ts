/**
 * The machine as it looks with packages and stand-ins installed: overlays over /usr and /etc and an admin directory, in a
 * mount namespace of each command's own. The kernel looks an interpreter up where the program is started, so all of it is
 * where the formats say.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { probeEnvironment } from '../../../src/elf/probe.ts';
import { temporaryFolder } from '../support/machine.ts';
import { findJvm } from './java.ts';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  /** For programs and files of the tests; the same path inside and outside. */
  readonly folder: string;
  /** What stands at /var/lib/binfmts. */
  readonly admin: string;
  /** Puts a file at an absolute path of the world, before or between commands. */
  readonly put: (path: string, text: string, mode?: number) => void;
  /** Runs a program there; `argv0` is what it is called by. */
  readonly run: (words: readonly string[], argv0?: string) => Ran;
  readonly binfmtctl: (...words: readonly string[]) => Ran;
}

/** Says what it was handed, each text ended by NUL. A script's first word is the path that the kernel was given for it. */
const SAYS_WHAT_IT_IS_HANDED = '#!/bin/sh\nprintf \'%s\\0\' "$0" "$@"\n';

/** The folder and the name of a class, which java(1) wants in the place of the file. */
const javaWrapper = (home: string): string => `#!/bin/sh
class=$(basename "$1" .class) folder=$(dirname "$1")
shift
exec ${home}/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$folder" "$class" "$@"
`;

export const STAND_INS = ['/usr/bin/wine', '/usr/bin/cli', '/usr/bin/gorun', '/usr/bin/box86'];

/** Without `originals` there is no binfmt-support, and with it no run-detectors but ours. */
export function makeWorld({ originals = true }: { readonly originals?: boolean } = {}): World {
  const folder = temporaryFolder();
  const tree = join(folder, 'tree');
  const put: World['put'] = (path, text, mode = 0o644) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text, { mode });
  };
  for (const path of STAND_INS) put(path, SAYS_WHAT_IT_IS_HANDED, 0o755);
  const jvm = findJvm();
  put('/usr/bin/javawrapper', javaWrapper(jvm.home), 0o755);
  symlinkSync(`${jvm.home}/lib/jexec`, join(tree, 'usr/bin/jexec'));
  const state = ['binfmts', 'binfmtctl'].map((name) => `/var/lib/${name}`);
  for (const path of state) mkdirSync(join(tree, path), { recursive: true });
  const layers = [tree, ...packages(jvm.packages, originals)];
  const over = (path: string): string =>
    `mount -t overlay overlay -o lowerdir=${layersWith(layers, path).join(':')} ${path}`;
  const mounts = [
    ...['/usr', '/etc', '/var/lib'].filter((path) => layersWith(layers, path).length > 1).map(over),
    ...state.map((path) => `mount --bind ${join(tree, path)} ${path}`),
  ];
  const script = `argv0=$1 && shift && ${mounts.join(' && ')} && exec -a "$argv0" "$@"`;
  const run: World['run'] = (words, argv0 = words[0] ?? '') => {
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'bash', '-c', script, 'bash', argv0, ...words],
      { encoding: 'utf8', cwd: folder, env: { ...process.env, ...probeEnvironment }, timeout: 60_000 },
    );
    return { status, stdout, stderr };
  };
  const binfmtctl = (...words: readonly string[]): Ran =>
    run([process.execPath, resolve('dist/cli.cjs'), ...words]);
  return { folder, admin: join(tree, 'var/lib/binfmts'), put, run, binfmtctl };
}

const layersWith = (layers: readonly string[], path: string): readonly string[] =>
  [...layers.map((layer) => join(layer, path)), path].filter((each) => existsSync(each));

/** Folders of unpacked packages: the original programs, emulators and detectors, and a Python where the machine has none. */
function packages(java: readonly string[], withOriginals: boolean): readonly string[] {
  const originals = withOriginals ? ['binfmt-support', 'libpipeline1', 'libsystemd-shared'] : [];
  const seeds = ['qemu-user-static', 'mono-runtime'];
  const python = ['python3-minimal', 'python3.11-minimal', 'libpython3.11-minimal', 'libexpat1'];
  const missing = existsSync('/usr/bin/python3') ? [] : python;
  return unpackPackages(...originals, ...seeds, ...java, ...missing);
}

/** Debian's systemd-binfmt, which the packages have outside /usr. */
export function debianSystemdBinfmt(): string {
  const [systemd = ''] = unpackPackages('systemd');
  return join(systemd, 'lib/systemd/systemd-binfmt');
}
