import { join } from 'node:path';
import * as v from 'valibot';
import type { Context } from '../context.ts';
import type { FileIdentity } from '../system/file/files.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { parseJson } from '../text/json.ts';
import { assertStoreTrusted, isSharedStore, readStoreFile } from './store/trust.ts';

/** What an inspection found out of a file's bytes. */
export interface KnownFacts {
  readonly sha256: string;
  readonly version: string | null;
}

/** Remembers inspections, so that an unchanged file is neither hashed nor run again. */
export interface Memo {
  /** What is known of a file that was run as the emulator with this id; without an id whatever is known of it. */
  readonly recall: (file: FileIdentity, emulator?: string) => KnownFacts | null;
  /** Without the emulator's id the file was not run: only its hash is remembered. */
  readonly record: (file: FileIdentity, known: KnownFacts, emulator?: string) => void;
  /** Writes what is new. A memo that cannot be written is no failure. */
  readonly save: () => Promise<void>;
}

/** More than all emulators of a machine in several versions. */
const MAX_KNOWN = 500;

const file = v.object({
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** By id of the emulator profile, whose pattern finds the version. */
  versions: v.record(v.string(), v.nullable(v.string())),
});
const schema = v.object({
  schema: v.literal('binfmtctl/inspected/1'),
  files: v.record(v.string(), file),
});

/**
 * The memo of a store; empty if there is none, if its file is invalid, and in a store that containers share.
 *
 * @throws STORE_FAILED, FILE_FAILED where another user can have written it.
 */
export async function openMemo(context: Pick<Context, 'store' | 'inImage'>): Promise<Memo> {
  const { store } = context;
  const path = join(store, 'inspected.json');
  assertStoreTrusted(store);
  const text = isSharedStore(context) ? null : readStoreFile(store, 'inspected.json');
  const parsed = v.safeParse(schema, text === null ? null : parseJson(text));
  const files = new Map(parsed.success ? Object.entries(parsed.output.files) : []);
  let changed = false;
  return {
    recall: (identity, emulator) => {
      const known = files.get(keyOf(identity));
      if (known === undefined) return null;
      const versions = new Map(Object.entries(known.versions));
      const any = [...versions.values()].find((version) => version !== null) ?? null;
      const version = emulator === undefined ? any : versions.get(emulator);
      return version === undefined ? null : { sha256: known.sha256, version };
    },
    record: (identity, { sha256, version }, emulator) => {
      const key = keyOf(identity);
      const versions = {
        ...files.get(key)?.versions,
        ...(emulator !== undefined && { [emulator]: version }),
      };
      // The newest comes last, and stays longest.
      files.delete(key);
      files.set(key, { sha256, versions });
      changed = true;
    },
    save: async () => {
      if (!changed) return;
      const kept = Object.fromEntries([...files].slice(-MAX_KNOWN));
      const memo = { schema: 'binfmtctl/inspected/1', files: kept } satisfies v.InferOutput<typeof schema>;
      await writeAtomic(path, `${JSON.stringify(memo)}\n`).catch(() => {});
    },
  };
}

// The change time moves with every change of the bytes, and no program can set it back (inode(7)).
function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
