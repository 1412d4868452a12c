import { statSync } from 'node:fs';
import { formatEntry } from '../rule/entry.ts';
import { decodeText } from '../rule/text.ts';
import type { Entry } from '../rule/types.ts';
import { fileState } from '../system/file/file-state.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { bootId, procProblem, userNamespace } from '../system/host.ts';

/**
 * Everything that decides how an entry runs programs, as one text: boot, user namespace, instance, the registration with its rule and
 * state, and the emulator's file. Two equal texts mean the same emulation. Null if one of these facts cannot be established.
 *
 * With F the kernel holds the file that it opened at registration, so the registration stands for its bytes: each one has an inode
 * number of its own (fs/binfmt_misc.c bm_get_inode() calls get_next_ino()).
 */
export function entryIdentity(directory: string, entry: Entry): string | null {
  const path = pathBytes(`${directory}/${entry.name}`);
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (file === undefined || procProblem() !== null) return null;
  const interpreter = entry.flags.includes('F') ? 'held' : fileState(entry.interpreter);
  const rule = [entry.name, decodeText(formatEntry(entry)), ...(entry.extra ?? [])];
  return JSON.stringify([bootId(), userNamespace(), `${file.dev}:${file.ino}`, interpreter, ...rule]);
}
