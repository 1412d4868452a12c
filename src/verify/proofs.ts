/** Probe results of this machine's entries, kept for `status`, and so that `run` and `enter` need not repeat a probe. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { readStoreFile } from '../emulators/store/trust.ts';
import type { Proof } from '../probe/verdict.ts';
import { fromReadableStores } from '../state/stores.ts';
import { parseJson } from '../text/json.ts';

/** The result of an entry's last probe. */
export interface RecordedProof {
  readonly entry: string;
  /** Whether the entry works; null if it could not be checked. */
  readonly holds: boolean | null;
  /** Why it does not work, or was not checked. */
  readonly why: string;
  /** Features that do not work and were not promised. */
  readonly limits: readonly string[];
  /** ISO 8601. */
  readonly at: string;
  readonly sha256: string | null;
  readonly version: string | null;
}

/** True unless the entry is known to fail on the host or, with a `root`, has limits: programs may not run in the root. */
export const holdsIn = ({ holds, limits }: RecordedProof, root: string | null): boolean =>
  holds !== false && (root === null || limits.length === 0);

/** Keyed by `entryIdentity`, which covers everything that a proof depends on. */
type Proofs = ReadonlyMap<string, RecordedProof>;

const SCHEMA = 'binfmtctl/proofs/2';

/** All proofs in the user's store and, for users other than root, in the machine's; the newest of each entry. */
export async function readProofs(context: Pick<Context, 'store'>): Promise<Proofs> {
  const all = (await fromReadableStores(context, proofsIn)).flatMap((proofs) => [...proofs]);
  return new Map(all.toSorted(([, a], [, b]) => (a.at < b.at ? -1 : 1)));
}

/** Stores proofs under the identity that their entry had before the probe. Drops proofs of entries that are gone. */
export async function recordProofs(
  proofs: readonly (readonly [identity: string, proof: Proof])[],
  present: readonly string[],
  { store, report }: Pick<Context, 'store' | 'report'>,
): Promise<void> {
  if (proofs.length === 0) return;
  const at = new Date().toISOString();
  const added = proofs.map(([identity, proof]) => [identity, recordOf(proof, at)] as const);
  const [{ ensureDirectory }, { writeAtomic }] = await Promise.all([
    import('../system/file/files.ts'),
    import('../system/file/write-file.ts'),
  ]);
  try {
    const kept = [...proofsIn(store)].filter(([identity]) => present.includes(identity));
    const text = JSON.stringify({ schema: SCHEMA, proofs: Object.fromEntries([...kept, ...added]) });
    await ensureDirectory(store);
    await writeAtomic(join(store, 'proofs.json'), `${text}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report({ kind: 'warning', text: `\`binfmtctl status\` will not show these results: ${why}` });
  }
}

function recordOf({ entry, verdict, emulator }: Proof, at: string): RecordedProof {
  const { outcome, reasons, limits } = verdict;
  return {
    entry: entry ?? '',
    holds: outcome === 'unchecked' ? null : outcome === 'works',
    why: reasons.join('; '),
    limits,
    at,
    sha256: emulator?.sha256 ?? null,
    version: emulator?.version ?? null,
  };
}

/** @throws STORE_FAILED, FILE_FAILED, NO_PRIVILEGE. */
function proofsIn(store: string): Proofs {
  const file = (parseJson(readStoreFile(store, 'proofs.json') ?? '') ?? {}) as Record<string, unknown>;
  const { schema, proofs } = file;
  if (schema !== SCHEMA || typeof proofs !== 'object' || proofs === null) return new Map();
  return new Map(Object.entries(proofs).filter((each): each is [string, RecordedProof] => isProof(each[1])));
}

function isProof(value: unknown): value is RecordedProof {
  const { entry, holds, why, limits, at, sha256, version } = (value ?? {}) as Record<string, unknown>;
  const isText = (each: unknown): boolean => typeof each === 'string';
  const texts = [entry, why, at].every(isText) && Array.isArray(limits) && limits.every(isText);
  const known = [sha256, version].every((each) => each === null || isText(each));
  return texts && known && (holds === null || typeof holds === 'boolean');
}
