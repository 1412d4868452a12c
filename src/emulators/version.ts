import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { BinfmtctlError, interrupted, isBinfmtctlError } from '../errors.ts';
import { readParts } from '../system/file/files.ts';
import { run } from '../system/process/process.ts';
import { isProgram } from '../system/process/tools.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import { unfit } from './unfit.ts';

export interface VersionOptions {
  readonly profile: EmulatorProfile;
  /** What messages call the file; default: its path. */
  readonly name?: string | undefined;
  /** As root: no program is run that another user can change. */
  readonly asRoot?: boolean | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_OUTPUT = 64 * 1024;
/** As much as is searched: a version stands at the top. */
const SEARCHED = 4096;

/**
 * Runs an emulator to have its version. Null where it prints none that its profile's pattern finds.
 *
 * @throws EMULATOR_UNFIT where it does not start or crashes; PROCESS_FAILED where it does not end in time; INTERRUPTED.
 */
export async function readVersion(
  path: string,
  { profile, name = path, asRoot = false, timeoutMs, signal }: VersionOptions,
): Promise<string | null> {
  const { program } = profile.version;
  const file = program === undefined ? path : await programBeside(path, program, { asRoot });
  if (file === null) return null;
  // None of our own environment: LD_PRELOAD, QEMU_* and the like change what the program does.
  const env = { PATH: '/usr/bin:/bin', HOME: '/', LC_ALL: 'C' };
  const options = { env, extendEnv: false, cwd: '/', timeoutMs, signal, maxBytes: MAX_OUTPUT };
  const result = await run(file, profile.version.arguments, options);
  if (signal.aborted) throw interrupted(signal, `running ${name}`);
  const failed =
    result.errno !== null || result.timedOut || (result.signal !== null && !result.tooMuchOutput);
  // That another program fails says nothing of the emulator.
  if (file !== path && failed) return null;
  if (result.errno !== null) throw unfit(name, `it cannot be started (${result.errno})`);
  if (result.timedOut)
    throw new BinfmtctlError(
      'PROCESS_FAILED',
      `${name} did not answer within ${timeoutMs / 1000} s when asked for its version`,
      { hint: 'this machine may be overloaded: try again, or name another emulator with --source' },
    );
  if (result.signal !== null && !result.tooMuchOutput) {
    throw unfit(name, `it crashes with ${result.signal} when asked for its version`);
  }
  const output = `${new TextDecoder().decode(result.stdout)}\n${result.stderr}`;
  return new RegExp(profile.version.pattern, 'm').exec(output.slice(0, SEARCHED))?.[1] ?? null;
}

/** The program of that name in the directory of an emulator; null if there is none, or for root one that others can change. */
async function programBeside(
  path: string,
  name: string,
  { asRoot }: { readonly asRoot: boolean },
): Promise<string | null> {
  const file = join(dirname(await realpath(path)), name);
  if (!isProgram(file)) return null;
  try {
    if (asRoot) await requireTrusted(file);
    return file;
  } catch (error) {
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}

/** Longer than the line with a version; parts of a file are searched with so much of the one before. */
const MARGIN = 256;

/** The version that stands in an emulator's bytes, for one that cannot run here; null where none does. */
export async function findVersion(path: string, { version }: EmulatorProfile): Promise<string | null> {
  if (version.inBytes !== true) return null;
  const pattern = new RegExp(version.pattern, 'm');
  let text = '';
  for await (const part of readParts(path)) {
    const latin1 = Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1');
    text += latin1.replaceAll('\0', '\n');
    const found = pattern.exec(text);
    // What stands at the end may go on in the next part.
    if (found !== null && found.index < text.length - MARGIN) return found[1] ?? null;
    text = text.slice(-MARGIN);
  }
  return pattern.exec(text)?.[1] ?? null;
}
