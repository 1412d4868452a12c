import { join } from 'node:path';
import * as v from 'valibot';
import { readStoreFile } from '../emulators/store-trust.ts';
import { parseJson, toJson } from '../plan/json.ts';
import { bootId, userNamespace } from '../system/host.ts';
import { writeAtomic } from '../system/write-file.ts';
import type { Context } from './context.ts';
import { type Proof, shortcomings } from './proof.ts';

/** What the last `install` or `verify` showed of an entry. */
export interface RecordedProof {
  readonly entry: string;
  readonly holds: boolean;
  /** Why it does not hold. */
  readonly why: string;
  /** ISO 8601. */
  readonly at: string;
  readonly sha256: string | null;
  readonly version: string | null;
}

const schema = v.object({
  schema: v.literal('binfmtctl/proofs/1'),
  /** Entries live as long as the boot and the user namespace. */
  bootId: v.string(),
  userNamespace: v.string(),
  proofs: v.array(
    v.object({
      entry: v.string(),
      holds: v.boolean(),
      why: v.string(),
      at: v.string(),
      sha256: v.nullable(v.string()),
      version: v.nullable(v.string()),
    }),
  ),
});

/** The proofs of this boot and user namespace, by name of entry. */
export async function readProofs({
  store,
}: Pick<Context, 'store'>): Promise<ReadonlyMap<string, RecordedProof>> {
  const parsed = v.safeParse(schema, parseJson(readStoreFile(store, 'proofs.json') ?? ''));
  if (!parsed.success) return new Map();
  const known = parsed.output;
  if (known.bootId !== bootId() || known.userNamespace !== userNamespace()) return new Map();
  return new Map(known.proofs.map((proof) => [proof.entry, proof]));
}

/** Keeps proofs for `status`. A store that cannot be written is no failure: the proof itself was made. */
export async function recordProofs(proofs: readonly Proof[], context: Pick<Context, 'store'>): Promise<void> {
  const at = new Date().toISOString();
  const recorded = new Map(await readProofs(context));
  for (const proof of proofs) {
    if (proof.entry === null) continue;
    const why = shortcomings(proof, { chroots: true, argv0: false, credentials: false }).join('; ');
    const { sha256 = null, version = null } = proof.emulator ?? {};
    recorded.set(proof.entry, { entry: proof.entry, holds: why === '', why, at, sha256, version });
  }
  const text = toJson({
    schema: 'binfmtctl/proofs/1',
    bootId: bootId(),
    userNamespace: userNamespace(),
    proofs: [...recorded.values()],
  });
  await writeAtomic(join(context.store, 'proofs.json'), `${text}\n`).catch(() => {});
}
