/** Sides, each a process in namespaces of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { unpackPackages } from '../../../../scripts/packages.mjs';
import { temporaryFolder } from '../../support/machine.ts';
import type { Answer, Program, ProgramName, Settings, Step } from './step.ts';

export interface Side {
  /** The folder of which steps speak, as it is called on all sides. */
  readonly folder: string;
  take(step: Step): Promise<Answer>;
  stop(): Promise<void>;
}

export type Maker = 'the original' | 'ours';

/** Starts a side with the programs of each maker. They share nothing but the path of their folder. */
export function startSides<M extends Maker>(...makers: readonly M[]): Readonly<Record<M, Side>> {
  const temporary = temporaryFolder();
  const program = join(temporary, 'side.mjs');
  buildSync({
    entryPoints: [resolve(import.meta.dirname, 'side.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const folder = join(temporary, 'side');
  mkdirSync(folder);
  const started = makers.map((maker) => [maker, startSide(program, { folder, programs: programsOf(maker) })]);
  return Object.fromEntries(started);
}

function startSide(program: string, settings: Settings): Side {
  const command = ['scripts/private-instance.mjs', '--', process.execPath, program, JSON.stringify(settings)];
  const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    folder: settings.folder,
    async take(step) {
      child.stdin.write(`${JSON.stringify(step)}\n`);
      const { done, value } = await lines.next();
      if (done) throw new Error(`a side ended at ${JSON.stringify(step)}`);
      return JSON.parse(value);
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The original takes the place of ours: it must agree with itself, or the test is wrong. */
export const PROVES_TEST = process.env['UPDATE_BINFMTS_SUBJECT'] === 'original';

/** Where the original's run-detectors was made to stand (configure --libexecdir). */
export const ORIGINAL_RUN_DETECTORS = '/usr/lib/binfmt-support/run-detectors';
export const OUR_RUN_DETECTORS = resolve('dist/run-detectors');

/** What each registers in the place of an interpreter. */
export const runDetectorsOf = (maker: Maker): string =>
  maker === 'ours' && !PROVES_TEST && !existsSync(ORIGINAL_RUN_DETECTORS)
    ? OUR_RUN_DETECTORS
    : ORIGINAL_RUN_DETECTORS;

function programsOf(maker: Maker): Readonly<Record<ProgramName, Program>> {
  if (maker === 'ours' && !PROVES_TEST) {
    const ours = (...args: readonly string[]): Program => ({ file: process.execPath, args, env: {} });
    return {
      'update-binfmts': ours(resolve('dist/cli.cjs'), 'update-binfmts'),
      'run-detectors': { file: OUR_RUN_DETECTORS, args: [], env: {} },
    };
  }
  const [support = '', pipeline = ''] = unpackPackages('binfmt-support', 'libpipeline1');
  const libraries = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const original = (file: string): Program => ({
    file: join(support, file),
    args: [],
    env: { LD_LIBRARY_PATH: join(pipeline, 'usr/lib', libraries) },
  });
  return {
    'update-binfmts': original('usr/sbin/update-binfmts'),
    'run-detectors': original('usr/lib/binfmt-support/run-detectors'),
  };
}
