import type { EmulatorProfile } from '../catalogue/types.ts';
import type { Linkage } from '../elf/linkage.ts';
import type { ElfIdentity } from '../elf/types.ts';
import { fileIdentity, sha256File } from '../system/files.ts';
import type { Known, Memo } from './memo.ts';
import { readProgram } from './program.ts';
import { promisedSha256 } from './store.ts';
import { assertTrusted } from './trust.ts';
import type { Candidate, Emulator } from './types.ts';
import { unfit } from './unfit.ts';
import { findVersion, readVersion } from './version.ts';

export interface InspectOptions {
  readonly profile: EmulatorProfile;
  /** What this machine's own programs look like. */
  readonly host: ElfIdentity;
  /** `host` is another machine: the emulator is not run. */
  readonly elsewhere?: boolean | undefined;
  /** What it has to be, in lower case hex: other bytes are hashed and named, but never run. */
  readonly sha256?: string | undefined;
  /** Demand that it works in chroots and other namespaces. */
  readonly requireStatic: boolean;
  /** Root would register it for all users: then nobody else may be able to change it. */
  readonly asRoot: boolean;
  readonly timeoutMs: number;
  readonly memo: Memo;
  readonly signal: AbortSignal;
  /** Names the arch of a file by its first 256 bytes, for messages. */
  readonly archOf?: ((head: Uint8Array) => string | null) | undefined;
  /** Called with a sentence about an emulator that is taken but looks odd. */
  readonly onOddity?: ((text: string) => void) | undefined;
}

/**
 * Looks whether a candidate is an emulator that can be registered here: a program of this machine's arch, that no
 * other user can change, and that runs. An unchanged file that the memo knows is neither hashed nor run again.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, NOT_ELF, BAD_ELF, PROCESS_FAILED where it does not answer; INTERRUPTED.
 */
export async function inspect(candidate: Candidate, options: InspectOptions): Promise<Emulator> {
  const { path, from = path } = candidate;
  const { memo, profile, onOddity } = options;
  const { linkage, head } = await readProgram(path, from);
  requireHostArch(from, linkage, head, options);
  if (options.requireStatic && !linkage.static) throw dynamic(from, linkage);
  if (options.asRoot) assertTrusted(path);
  const identity = await fileIdentity(path);
  const promised = candidate.origin === 'store' ? promisedSha256(path) : null;
  const remembered = memo.recall(identity, profile.id);
  const known =
    remembered === null || promised !== null || options.sha256 !== undefined
      ? await examine(path, from, promised, remembered, options)
      : remembered;
  const wasRun = !options.elsewhere && (options.sha256 ?? known.sha256) === known.sha256;
  if (remembered === null && wasRun) memo.remember(identity, known, profile.id);
  if (known.version === null) onOddity?.(`${from} does not say which version of ${profile.id} it is`);
  return { ...candidate, ...known, size: Number(identity.size), static: linkage.static, head };
}

function requireHostArch(
  path: string,
  { header }: Linkage,
  head: Uint8Array,
  { host, elsewhere, archOf }: InspectOptions,
): void {
  const { class: width, byteOrder, machine } = header;
  if (width === host.class && byteOrder === host.byteOrder && machine === host.machine) return;
  const name = archOf?.(head);
  const what = name
    ? `${name} machines`
    : `${width}-bit ${byteOrder}-endian machines of ELF number ${machine}`;
  if (elsewhere)
    throw unfit(path, `it runs on ${what}, not on those it is for`, 'take one that was built for them');
  throw unfit(path, `it runs on ${what}, not on this one`, 'take one that was built for this machine');
}

/**
 * Hash and version: the two that cost time. Bytes that have to have a certain hash are hashed before they are run, and the
 * memo is no proof of them.
 */
async function examine(
  path: string,
  from: string,
  promised: string | null,
  remembered: Known | null,
  options: InspectOptions,
): Promise<Known> {
  const { elsewhere, profile, sha256: wanted } = options;
  const hash = sha256File(path);
  if (promised !== null && promised !== (await hash)) throw damaged(path);
  if (remembered !== null && remembered.sha256 === (await hash)) return remembered;
  // Never run for another machine: execvp(3) gives what the kernel does not take to a shell.
  const isRun = !elsewhere && (wanted === undefined || wanted === (await hash));
  const version = isRun ? readVersion(path, { ...options, name: from }) : findVersion(path, profile);
  const [sha256, found] = await Promise.all([hash, version]);
  return { sha256, version: found };
}

const damaged = (path: string) =>
  unfit(path, 'its bytes are not those that were stored', `it is damaged: remove it with \`rm ${path}\``);

function dynamic(path: string, { interpreter }: Linkage) {
  return unfit(
    path,
    `it needs ${interpreter} at run time, so it would not work in chroots and containers`,
    'take a static build: Debian has them in qemu-user-static (12) and qemu-user (13 and later)',
  );
}
