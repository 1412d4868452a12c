import type { EmulatorProfile } from '../catalogue/types.ts';
import type { Linkage } from '../elf/linkage.ts';
import type { ElfIdentity } from '../elf/types.ts';
import { fileIdentity, sha256File } from '../system/file/files.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import type { KnownFacts, Memo } from './memo.ts';
import { readProgram } from './program.ts';
import { promisedSha256 } from './store/store.ts';
import type { Candidate, Emulator } from './types.ts';
import { unfit } from './unfit.ts';
import { findVersion, readVersion } from './version.ts';

export interface InspectOptions {
  readonly profile: EmulatorProfile;
  /** The identity of the host's programs. */
  readonly host: ElfIdentity;
  /** Whether `host` is another machine. If so, the emulator is not run. */
  readonly forOtherHost?: boolean | undefined;
  /** The expected digest, in lower case hex. A file with another digest is never run. */
  readonly sha256?: string | undefined;
  /** Require a static emulator, which works in chroots and other namespaces. */
  readonly requireStatic: boolean;
  /** Whether root registers it for all users. If so, no other user may be able to change it. */
  readonly asRoot: boolean;
  readonly timeoutMs: number;
  readonly memo: Memo;
  readonly signal: AbortSignal;
  /** Finds the arch of a program that is not built for `host`, by its first 256 bytes. */
  readonly archOf?: ((head: Uint8Array) => Promise<BuildArch>) | undefined;
  /** Called with a warning about an emulator that is accepted but unusual. */
  readonly onOddity?: ((text: string) => void) | undefined;
}

/** The arch that a program is built for. */
export interface BuildArch {
  /** Null for an unknown arch. */
  readonly name: string | null;
  /** Whether this machine runs such programs natively, or the reason why that is unknown. */
  readonly native: boolean | string;
}

/**
 * Checks whether a candidate can be registered on this machine: it is a native program, runs, and no other user can change it. An
 * unchanged file in the memo is not hashed or run again.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, NOT_ELF, BAD_ELF; PROCESS_FAILED if it times out; INTERRUPTED.
 */
export async function inspect(candidate: Candidate, options: InspectOptions): Promise<Emulator> {
  const { path, from = path } = candidate;
  const { memo, profile, onOddity } = options;
  const { linkage, head } = await readProgram(path, from);
  await requireNative(from, linkage, head, options);
  if (options.requireStatic && !linkage.static) throw dynamic(from, linkage);
  if (options.asRoot) await requireTrusted(path);
  const identity = await fileIdentity(path);
  const promised = candidate.origin === 'store' ? promisedSha256(path) : null;
  const cached = memo.recall(identity, profile.id);
  const known =
    cached === null || promised !== null || options.sha256 !== undefined
      ? await examine({ path, from, promised, cached }, options)
      : cached;
  const wasRun = !options.forOtherHost && (options.sha256 ?? known.sha256) === known.sha256;
  if (cached === null && wasRun) memo.record(identity, known, profile.id);
  if (known.version === null) onOddity?.(`${from} does not report its ${profile.id} version`);
  return { ...candidate, ...known, size: Number(identity.size), static: linkage.static, head };
}

async function requireNative(
  path: string,
  { header }: Linkage,
  head: Uint8Array,
  { host, forOtherHost, archOf }: InspectOptions,
): Promise<void> {
  const { class: width, byteOrder, machine } = header;
  if (width === host.class && byteOrder === host.byteOrder && machine === host.machine) return;
  const { name, native } = (await archOf?.(head)) ?? { name: null, native: false };
  const built = `it is built for ${name ?? `an unknown architecture (ELF machine ${machine})`}`;
  if (forOtherHost)
    throw unfit(
      path,
      `${built}, not for the host architecture`,
      'use an emulator that is built for that host',
    );
  if (native === true) return;
  const why =
    native === false
      ? `${built}, which this machine does not run`
      : `${built}; cannot determine whether this machine runs ${name ?? 'such'} programs: ${native}`;
  throw unfit(path, why, 'use an emulator that is built for this machine');
}

/** A file with its name in messages, the digest in its store path, and the facts in the memo. */
interface Examined {
  readonly path: string;
  readonly from: string;
  readonly promised: string | null;
  readonly cached: KnownFacts | null;
}

/**
 * Determines digest and version, which is slow. A file with an expected digest is hashed before it is run, even if the memo knows
 * it: the memo does not prove its bytes.
 */
async function examine(
  { path, from, promised, cached }: Examined,
  options: InspectOptions,
): Promise<KnownFacts> {
  const { forOtherHost, profile, sha256: expected } = options;
  const hash = sha256File(path);
  if (promised !== null && promised !== (await hash)) throw damaged(path);
  if (cached !== null && cached.sha256 === (await hash)) return cached;
  // Never run an emulator for another machine: execvp(3) passes a file that the kernel rejects to a shell.
  const isRun = !forOtherHost && (expected === undefined || expected === (await hash));
  const version = isRun ? readVersion(path, { ...options, name: from }) : findVersion(path, profile);
  const [sha256, found] = await Promise.all([hash, version]);
  return { sha256, version: found };
}

const damaged = (path: string) =>
  unfit(path, 'its content does not match its digest', 'choose another store with --store');

function dynamic(path: string, { interpreter }: Linkage) {
  return unfit(
    path,
    `it requires ${interpreter} at run time, so it does not work in chroots and containers`,
    'use a static build, such as those in Debian: qemu-user-static (12) and qemu-user (13 and later)',
  );
}
