import { open, stat } from 'node:fs/promises';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { type Linkage, readLinkage } from '../elf/linkage.ts';
import type { ElfIdentity } from '../elf/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file-error.ts';
import { fileIdentity, sha256File } from '../system/files.ts';
import { run } from '../system/process.ts';
import type { Memo } from './memo.ts';
import { requireTrusted } from './trust.ts';
import type { Candidate, Emulator } from './types.ts';

export interface InspectOptions {
  readonly profile: EmulatorProfile;
  /** What this machine's own programs look like. */
  readonly host: ElfIdentity;
  /** Demand that it works in chroots and other namespaces. */
  readonly requireStatic: boolean;
  /** Root would register it: then nobody else may be able to change it. */
  readonly asRoot: boolean;
  readonly timeoutMs: number;
  readonly memo: Memo;
  readonly signal: AbortSignal;
}

const HEAD_SIZE = 256;

/**
 * Looks whether a candidate is an emulator that can be registered here: a program of this machine's arch, that no
 * other user can change, and that runs.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, NOT_ELF, BAD_ELF, each with what is wrong and what to do.
 */
export async function inspect(candidate: Candidate, options: InspectOptions): Promise<Emulator> {
  const { path } = candidate;
  await requireProgramFile(path);
  if (options.asRoot) await requireTrusted(path);
  const { linkage, head } = await readProgram(path);
  requireHostArch(path, linkage, options.host);
  if (options.requireStatic && !linkage.static) throw dynamic(path, linkage);
  const identity = await fileIdentity(path);
  const known = options.memo.recall(identity) ?? (await examine(path, options));
  options.memo.remember(identity, known);
  return { ...candidate, ...known, size: Number(identity.size), static: linkage.static, head };
}

async function requireProgramFile(path: string): Promise<void> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', fileError(cause, `find the emulator ${path}`).message, {
      hint: 'name another with --source, or leave it out to have one fetched',
      cause,
    });
  });
  if (!facts.isFile()) throw unfit(path, facts.isDirectory() ? 'it is a folder' : 'it is no regular file');
  if ((facts.mode & 0o111) === 0) throw unfit(path, 'it is not executable', `\`chmod 755 ${path}\``);
}

async function readProgram(path: string): Promise<{ linkage: Linkage; head: Uint8Array }> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw fileError(cause, `read the emulator ${path}`);
  });
  const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  try {
    return { linkage: await readLinkage(readAt), head: await readAt(0, HEAD_SIZE) };
  } catch (cause) {
    if (!(cause instanceof BinfmtctlError)) throw fileError(cause, `read the emulator ${path}`);
    throw new BinfmtctlError(cause.code, `${path} is no emulator: ${cause.message}`, {
      hint: 'an emulator is an ELF program; scripts cannot be registered with flag F',
      cause,
    });
  } finally {
    await file.close();
  }
}

function requireHostArch(path: string, { header }: Linkage, host: ElfIdentity): void {
  const same =
    header.class === host.class && header.byteOrder === host.byteOrder && header.machine === host.machine;
  if (same) return;
  const what = `it is a ${header.class}-bit ${header.byteOrder}-endian program for machine ${header.machine}`;
  throw unfit(
    path,
    `${what}, this machine is ${host.machine}`,
    'take an emulator that was built to run on this machine',
  );
}

/** Hash and version: the two that cost time. */
async function examine(
  path: string,
  options: InspectOptions,
): Promise<{ sha256: string; version: string | null }> {
  const [sha256, version] = await Promise.all([sha256File(path), versionOf(path, options)]);
  return { sha256, version };
}

async function versionOf(
  path: string,
  { profile, timeoutMs, signal }: InspectOptions,
): Promise<string | null> {
  const result = await run(path, profile.version.arguments, { timeoutMs, signal, maxBytes: 64 * 1024 });
  const output = new TextDecoder().decode(result.stdout) + result.stderr;
  if (result.errno !== null) throw unfit(path, `it cannot be started (${result.errno})`);
  if (result.timedOut)
    throw unfit(path, `it does not end within ${timeoutMs / 1000} s when asked for its version`);
  if (result.signal !== null)
    throw unfit(path, `it crashes with ${result.signal} when asked for its version`);
  return new RegExp(profile.version.pattern, 'm').exec(output)?.[1] ?? null;
}

function dynamic(path: string, { interpreter }: Linkage): BinfmtctlError {
  return unfit(
    path,
    `it needs ${interpreter} at run time, so it would not work in chroots and containers`,
    'take a static build: Debian has them in qemu-user-static (12) and qemu-user (13 and later)',
  );
}

function unfit(
  path: string,
  why: string,
  hint = 'name another with --source, or leave it out to have one fetched',
): BinfmtctlError {
  return new BinfmtctlError('EMULATOR_UNFIT', `${path} cannot be the emulator: ${why}`, { hint });
}
