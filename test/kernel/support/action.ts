/** Runs the built action as a runner does. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll } from 'vitest';
import { buildAction } from '../../../scripts/build-action.mjs';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { inShell } from './command.ts';
import { temporaryFolder } from './machine.ts';

/** A user without privileges in every passwd file. */
export const NOBODY = 65534;

export interface Runner {
  /** The working directory of the runner's user. */
  readonly workspace: string;
  readonly run: (
    inputs: Readonly<Record<string, string>>,
    circumstances?: RunnerCircumstances,
  ) => Promise<Acted>;
  /** The store of the command that runs as root. */
  readonly forgetStore: () => void;
}

export interface RunnerCircumstances {
  /** Default: root. `sudo`: a user with sudo and no password; `password`: a user whose sudo asks for a password. */
  readonly as?: 'root' | 'sudo' | 'password' | 'user';
  readonly env?: Readonly<Record<string, string>>;
  /** The runner cancels the job once this file exists. */
  readonly cancelOnceThere?: string;
}

export interface Acted {
  readonly status: number | null;
  readonly log: string;
  /** `error` and `warning` commands of the log, unescaped. */
  readonly annotations: readonly { readonly kind: string; readonly text: string }[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

export function actionRunner(): Runner {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  beforeAll(async () => {
    await buildAction(at('action'));
    for (const name of ['lib', 'workspace', 'runner']) mkdirSync(at(name));
    for (const name of ['workspace', 'runner']) chownSync(at(name), NOBODY, NOBODY);
  });
  const run: Runner['run'] = async (inputs, { as = 'root', env = {}, cancelOnceThere } = {}) => {
    const temporary = mkdtempSync(at('temp-'));
    const files = ['output', 'summary', 'state'].map((name) => join(temporary, name));
    for (const file of files) writeFileSync(file, '');
    if (as !== 'root') for (const path of [temporary, ...files]) chownSync(path, NOBODY, NOBODY);
    const [output = '', summary = '', state = ''] = files;
    const { PATH = process.env['PATH'] ?? '' } = env;
    const action = ['env', `PATH=${PATH}`, process.execPath, at('action/dist/action.cjs')];
    const [file = '', ...args] = [...withinMachine(as, at('lib')), ...action];
    const child = spawn(file, args, {
      cwd: at('workspace'),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...{
          HOME: at('workspace'),
          LANG: 'C.UTF-8',
          GITHUB_ACTIONS: 'true',
          CI: 'true',
        },
        ...{ GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, GITHUB_STATE: state },
        ...{ GITHUB_WORKSPACE: at('workspace'), GITHUB_ACTION_PATH: at('action'), RUNNER_TEMP: at('runner') },
        ...{ RUNNER_OS: 'Linux', RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64' },
        ...Object.fromEntries(
          Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]),
        ),
        ...env,
        PATH: process.env['PATH'],
      },
    });
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
    const ended = new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', done);
    });
    if (cancelOnceThere !== undefined) {
      while (!existsSync(cancelOnceThere) && child.exitCode === null) await wait(5);
      child.kill('SIGTERM');
    }
    const status = await ended;
    const read = (path: string): string => readFileSync(path, 'utf8');
    const result = { status, log, annotations: annotationsOf(log), outputs: outputsOf(read(output)) };
    const acted = { ...result, summary: read(summary) };
    rmSync(temporary, { recursive: true });
    return acted;
  };
  const forgetStore = () => {
    rmSync(at('lib'), { recursive: true, force: true });
    mkdirSync(at('lib'));
  };
  return { workspace: at('workspace'), run, forgetStore };
}

/** Mounts Debian's sudo, which is not installed, over the machine's files, and a separate store. */
function withinMachine(as: NonNullable<RunnerCircumstances['as']>, lib: string): readonly string[] {
  const store = `mount --bind ${lib} /var/lib`;
  if (as === 'root') return inShell(store);
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  if (as === 'user') return [...inShell(store), ...user];
  const [sudo = ''] = unpackPackages('sudo');
  const rule = as === 'sudo' ? 'nobody ALL=(ALL) NOPASSWD: ALL' : 'nobody ALL=(ALL) ALL';
  const steps = [
    store,
    ...['usr', 'etc'].map((name) => `mount -t overlay none -o lowerdir=${sudo}/${name}:/${name} /${name}`),
    ...['/etc/sudoers.d', '/run'].map((folder) => `mount -t tmpfs -o mode=755 none ${folder}`),
    `echo '${rule}' > /etc/sudoers.d/runner && chmod 440 /etc/sudoers.d/runner`,
  ];
  return [...inShell(steps.join(' && ')), ...user];
}

/** NAME<<END, lines, END: as the runner reads the file. */
function outputsOf(text: string): Readonly<Record<string, string>> {
  const found = text.matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name, , value]) => [name, value]));
}

function annotationsOf(log: string): Acted['annotations'] {
  return [...log.matchAll(/^::(error|warning)[^:]*::(.*)$/gm)].map(([, kind = '', text = '']) => {
    return { kind, text: text.replaceAll('%0A', '\n').replaceAll('%25', '%') };
  });
}

/** A `sudo` that records its arguments and environment, and prints the result of an install. */
export function recordingSudo(folder: string, record: string): string {
  mkdirSync(folder, { recursive: true });
  const answer = '{"schema":"binfmtctl/install/1","proofs":[],"missing":[],"notes":[]}';
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > ${record}\nenv > ${record}.env\necho '${answer}'\n`;
  writeFileSync(join(folder, 'sudo'), script);
  chmodSync(join(folder, 'sudo'), 0o755);
  return `${folder}:${process.env['PATH']}`;
}
