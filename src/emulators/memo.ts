import { join } from 'node:path';
import * as v from 'valibot';
import type { Context } from '../context.ts';
import type { FileIdentity } from '../system/file/files.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { parseJson } from '../text/json.ts';
import { assertStoreTrusted, isSharedStore, readStoreFile } from './store/trust.ts';

/** The facts that an inspection determined from a file's content. */
export interface KnownFacts {
  readonly sha256: string;
  readonly version: string | null;
}

/** A cache of inspections, so that an unchanged file is not hashed or run again. */
export interface Memo {
  /** Returns the facts of a file that was run as the emulator with this id; without an id, any known facts. */
  readonly recall: (file: FileIdentity, emulator?: string) => KnownFacts | null;
  /** Records the facts of a file. Without an emulator id, the file was not run, and only its digest is recorded. */
  readonly record: (file: FileIdentity, known: KnownFacts, emulator?: string) => void;
  /** Writes the memo if it changed. Ignores errors. */
  readonly save: () => Promise<void>;
}

/** More than all emulators of a machine, in several versions. */
const MAX_KNOWN = 500;

const file = v.object({
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** By id of the emulator profile whose pattern found the version. */
  versions: v.record(v.string(), v.nullable(v.string())),
});
const schema = v.object({
  schema: v.literal('binfmtctl/inspected/1'),
  files: v.record(v.string(), file),
});

/**
 * Opens the memo of a store. It is empty if its file is missing or invalid, or if containers share the store.
 *
 * @throws STORE_FAILED, FILE_FAILED if another user may have written it.
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
      // The newest comes last, so it is kept longest.
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

// Every change of the content updates the change time, which no program can set (inode(7)).
function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
