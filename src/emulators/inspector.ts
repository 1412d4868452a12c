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
  /** The programs of this machine's own arch. */
  readonly host: ElfIdentity;
  /** `host` is another machine: the emulator is not run. */
  readonly forOtherHost?: boolean | undefined;
  /** What it has to be, in lower case hex: other bytes are hashed and named, but never run. */
  readonly sha256?: string | undefined;
  /** Demand that it works in chroots and other namespaces. */
  readonly requireStatic: boolean;
  /** Root would register it for all users: then nobody else may be able to change it. */
  readonly asRoot: boolean;
  readonly timeoutMs: number;
  readonly memo: Memo;
  readonly signal: AbortSignal;
  /** Finds the arch of a program that is not of the arch `host`, by its first 256 bytes. */
  readonly archOf?: ((head: Uint8Array) => Promise<BuildArch>) | undefined;
  /** Called with a sentence about an emulator that is taken but looks odd. */
  readonly onOddity?: ((text: string) => void) | undefined;
}

/** An arch that a program is built for. */
export interface BuildArch {
  /** Null for an unknown arch. */
  readonly name: string | null;
  /** Whether this machine runs such programs natively, or why that could not be established. */
  readonly native: boolean | string;
}

/**
 * Looks whether a candidate is an emulator that can be registered here: a program that this machine runs natively, that no
 * other user can change, and that runs. An unchanged file that the memo knows is neither hashed nor run again.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, NOT_ELF, BAD_ELF, PROCESS_FAILED where it does not answer; INTERRUPTED.
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
  if (known.version === null) onOddity?.(`${from} does not say which version of ${profile.id} it is`);
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
  const programs = `${name ?? 'such'} programs`;
  if (forOtherHost)
    throw unfit(path, `${built}, not for the host architecture`, 'take one that is built for that host');
  if (native === true) return;
  if (native === false)
    throw unfit(
      path,
      `${built}, and this machine does not run ${programs}`,
      'take one that is built for this machine',
    );
  throw unfit(
    path,
    `${built}, and whether this machine runs ${programs} could not be established: ${native}`,
    'make a probe possible, or take an emulator that is built for this machine',
  );
}

/** A file, its name in messages, and what is known of it: the hash in its path in the store, and the facts of the memo. */
interface Examined {
  readonly path: string;
  readonly from: string;
  readonly promised: string | null;
  readonly cached: KnownFacts | null;
}

/**
 * Hash and version: the two that cost time. Bytes that have to have a certain hash are hashed before they are run, and the
 * memo is no proof of them.
 */
async function examine(
  { path, from, promised, cached }: Examined,
  options: InspectOptions,
): Promise<KnownFacts> {
  const { forOtherHost, profile, sha256: expected } = options;
  const hash = sha256File(path);
  if (promised !== null && promised !== (await hash)) throw damaged(path);
  if (cached !== null && cached.sha256 === (await hash)) return cached;
  // Never run for another machine: execvp(3) gives what the kernel does not take to a shell.
  const isRun = !forOtherHost && (expected === undefined || expected === (await hash));
  const version = isRun ? readVersion(path, { ...options, name: from }) : findVersion(path, profile);
  const [sha256, found] = await Promise.all([hash, version]);
  return { sha256, version: found };
}

const damaged = (path: string) =>
  unfit(path, 'its bytes are not those that were stored', 'choose another store with --store');

function dynamic(path: string, { interpreter }: Linkage) {
  return unfit(
    path,
    `it needs ${interpreter} at run time, so it would not work in chroots and containers`,
    'take a static build: Debian has them in qemu-user-static (12) and qemu-user (13 and later)',
  );
}
