/** Which files a pattern matches, as fs/binfmt_misc.c search_binfmt_handler() decides. */
import {
  type AnyEntry,
  type Entry,
  type ExtensionPattern,
  isBpf,
  type MagicPattern,
  type Pattern,
} from './types.ts';

/**
 * Whether a file matches. `head` is its first 256 bytes, or all of it when it is shorter: the kernel's buffer is
 * filled up with zeros, so that a magic with NULs matches a shorter file, an empty one too. `path` is the path as
 * given to execve, or at a later level the interpreter's path: symbolic links are not resolved.
 */
export function matches(pattern: Pattern, head: Uint8Array, path: string): boolean {
  return pattern.type === 'magic' ? matchesMagic(pattern, head) : matchesExtension(pattern, path);
}

/**
 * The first enabled entry that matches, or null. `entries` come newest first, as the kernel tries and lists them.
 * That `status` is enabled is the caller's to know.
 */
export function firstMatch<T extends Entry>(entries: readonly T[], head: Uint8Array, path: string): T | null {
  return entries.find(({ enabled, pattern }) => enabled && matches(pattern, head, path)) ?? null;
}

/** As `firstMatch`, or an enabled BPF handler that comes before it: the kernel asks that one first. */
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

/** What follows the last dot of the whole path: `d.foo/prog` has the extension `foo/prog`, which no entry can have. */
function matchesExtension({ extension }: ExtensionPattern, path: string): boolean {
  const dot = path.lastIndexOf('.');
  return dot !== -1 && path.slice(dot + 1) === extension;
}
