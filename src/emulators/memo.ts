import { join } from 'node:path';
import * as v from 'valibot';
import { type FileIdentity, readTextIfExists, writeAtomic } from '../system/files.ts';

/** What an inspection found out of a file's bytes. */
export interface Known {
  readonly sha256: string;
  readonly version: string | null;
}

/** Remembers inspections, so that an unchanged file is neither read nor run again. */
export interface Memo {
  readonly recall: (file: FileIdentity) => Known | null;
  readonly remember: (file: FileIdentity, known: Known) => void;
  /** Writes what is new. A memo that cannot be written is no failure. */
  readonly save: () => Promise<void>;
}

/** More than all emulators of a machine in several versions. */
const MAX_KNOWN = 500;

const schema = v.object({
  schema: v.literal('binfmtctl/inspected/1'),
  files: v.record(v.string(), v.object({ sha256: v.string(), version: v.nullable(v.string()) })),
});

/** The memo of a store; empty where there is none, or where its file is no memo. */
export async function openMemo(store: string): Promise<Memo> {
  const path = join(store, 'inspected.json');
  const text = await readTextIfExists(path).catch(() => null);
  const parsed = v.safeParse(schema, text === null ? null : parse(text));
  const known = new Map<string, Known>(parsed.success ? Object.entries(parsed.output.files) : []);
  let changed = false;
  return {
    recall: (file) => known.get(keyOf(file)) ?? null,
    remember: (file, what) => {
      known.set(keyOf(file), what);
      changed = true;
    },
    save: async () => {
      if (!changed) return;
      const files = Object.fromEntries([...known].slice(-MAX_KNOWN));
      await writeAtomic(path, `${JSON.stringify({ schema: 'binfmtctl/inspected/1', files })}\n`).catch(
        () => {},
      );
    },
  };
}

// The change time moves with every change of the bytes and cannot be set back by a program (inode(7)).
function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
