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
  /** The file's name in messages; default: its path. */
  readonly name?: string | undefined;
  /** If true, no program is run that another user can change. */
  readonly asRoot?: boolean | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_OUTPUT = 64 * 1024;
/** How much output is searched: the version is near the start. */
const SEARCHED = 4096;

/**
 * Runs an emulator to get its version. Null if its profile's pattern does not find one.
 *
 * @throws EMULATOR_UNFIT if it cannot be started or crashes; PROCESS_FAILED if it times out; INTERRUPTED.
 */
export async function readVersion(
  path: string,
  { profile, name = path, asRoot = false, timeoutMs, signal }: VersionOptions,
): Promise<string | null> {
  const { program } = profile.version;
  const file = program === undefined ? path : await programBeside(path, program, { asRoot });
  if (file === null) return null;
  // Without our environment: LD_PRELOAD, QEMU_* and others change the program's behaviour.
  const env = { PATH: '/usr/bin:/bin', HOME: '/', LC_ALL: 'C' };
  const options = { env, extendEnv: false, cwd: '/', timeoutMs, signal, maxBytes: MAX_OUTPUT };
  const result = await run(file, profile.version.arguments, options);
  if (signal.aborted) throw interrupted(signal, `running ${name}`);
  const failed =
    result.errno !== null || result.timedOut || (result.signal !== null && !result.tooMuchOutput);
  // A failure of another program says nothing about the emulator.
  if (file !== path && failed) return null;
  if (result.errno !== null) throw unfit(name, `it cannot be started (${result.errno})`);
  if (result.timedOut)
    throw new BinfmtctlError(
      'PROCESS_FAILED',
      `${name} did not report its version within ${timeoutMs / 1000} s`,
      { hint: 'if this machine is overloaded, try again; else use another emulator with --source' },
    );
  if (result.signal !== null && !result.tooMuchOutput) {
    throw unfit(name, `it crashes with ${result.signal} when run for its version`);
  }
  const output = `${new TextDecoder().decode(result.stdout)}\n${result.stderr}`;
  return new RegExp(profile.version.pattern, 'm').exec(output.slice(0, SEARCHED))?.[1] ?? null;
}

/** Finds the program of that name in the directory of an emulator. Null if missing, or if root must not trust it. */
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

/** Longer than the line with a version. Each part of a file is searched together with that much of the previous one. */
const MARGIN = 256;

/** Finds the version in the file of an emulator that cannot run here; null if there is none. */
export async function findVersion(path: string, { version }: EmulatorProfile): Promise<string | null> {
  if (version.inBytes !== true) return null;
  const pattern = new RegExp(version.pattern, 'm');
  let text = '';
  for await (const part of readParts(path)) {
    const latin1 = Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1');
    text += latin1.replaceAll('\0', '\n');
    const found = pattern.exec(text);
    // A match at the end may continue in the next part.
    if (found !== null && found.index < text.length - MARGIN) return found[1] ?? null;
    text = text.slice(-MARGIN);
  }
  return pattern.exec(text)?.[1] ?? null;
}
