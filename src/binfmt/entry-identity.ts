import { statSync } from 'node:fs';
import { formatEntry } from '../rule/entry.ts';
import { decodeText } from '../rule/text.ts';
import type { Entry } from '../rule/types.ts';
import { fileState } from '../system/file/file-state.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { bootId, procProblem, userNamespace } from '../system/host.ts';

/**
 * Returns a text of everything that determines how an entry runs programs: boot, user namespace, instance, registration, rule,
 * state, and emulator file. Equal texts mean the same emulation. Null if one of these facts is unknown.
 *
 * With flag F, the registration identifies the emulator file: the kernel keeps the file that it opened at registration, and each
 * registration has a unique inode number (fs/binfmt_misc.c bm_get_inode() calls get_next_ino()).
 */
export function entryIdentity(directory: string, entry: Entry): string | null {
  const path = pathBytes(`${directory}/${entry.name}`);
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (file === undefined || procProblem() !== null) return null;
  const interpreter = entry.flags.includes('F') ? 'held' : fileState(entry.interpreter);
  const rule = [entry.name, decodeText(formatEntry(entry)), ...(entry.extra ?? [])];
  return JSON.stringify([bootId(), userNamespace(), `${file.dev}:${file.ino}`, interpreter, ...rule]);
}
