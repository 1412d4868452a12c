/** Matches files as fs/binfmt_misc.c search_binfmt_handler() does. */
import {
  type AnyEntry,
  type Entry,
  type ExtensionPattern,
  isBpf,
  type MagicPattern,
  type Pattern,
} from './types.ts';

/**
 * True if a file matches. `head` is its first 256 bytes, or the whole file if it is shorter. The kernel pads its buffer
 * with zeros, so a magic with NULs matches shorter files, even empty ones. `path` is the path as passed to execve or,
 * at a later level, the interpreter's path: symbolic links are not resolved.
 */
export function matches(pattern: Pattern, head: Uint8Array, path: string): boolean {
  return pattern.type === 'magic' ? matchesMagic(pattern, head) : matchesExtension(pattern, path);
}

/**
 * Returns the first enabled entry that matches, or null. `entries` are sorted newest first, the kernel's order. The
 * caller checks whether the instance is enabled.
 */
export function firstMatch<T extends Entry>(entries: readonly T[], head: Uint8Array, path: string): T | null {
  return entries.find(({ enabled, pattern }) => enabled && matches(pattern, head, path)) ?? null;
}

/** Like `firstMatch`, but also returns an enabled BPF handler that precedes the match. */
export function firstCandidate<T extends AnyEntry>(
  entries: readonly T[],
  head: Uint8Array,
  path: string,
): T | null {
  const isCandidate = (entry: AnyEntry) => isBpf(entry) || matches(entry.pattern, head, path);
  return entries.find((entry) => entry.enabled && isCandidate(entry)) ?? null;
}

function matchesMagic({ offset, magic, mask }: MagicPattern, head: Uint8Array): boolean {
  for (let index = 0; index < magic.length; index++)
    if ((((head[offset + index] ?? 0) ^ (magic[index] ?? 0)) & (mask?.[index] ?? 0xff)) !== 0) return false;
  return true;
}

/**
 * Compares the part after the last dot of the whole path: `d.foo/prog` has the extension `foo/prog`, which no entry can
 * have.
 */
function matchesExtension({ extension }: ExtensionPattern, path: string): boolean {
  const dot = path.lastIndexOf('.');
  return dot !== -1 && path.slice(dot + 1) === extension;
}
