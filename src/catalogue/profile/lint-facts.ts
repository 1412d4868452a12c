/** Checks a profile against the header of a program that runs natively on this machine. */
import { decodeHeader } from '../../elf/header.ts';
import { matches } from '../../rule/match.ts';
import { archOfHeader, archPattern } from '../resolve.ts';
import type { Catalogue, Profile } from '../types.ts';
import type { ProfileProblem } from './schema.ts';

/**
 * Finds contradictions between a profile and `head`, the first bytes of a native program: the profile of that program's arch
 * has another identity, or the profile of another arch matches it. `builtin` identifies the program's arch.
 */
export function lintFacts(profile: Profile, head: Uint8Array, builtin: Catalogue): readonly ProfileProblem[] {
  const native = archOfHeader(builtin, head);
  if (native === null || profile.kind !== 'arch') return [];
  if (profile.id !== native.id) {
    const isWrong = matches(archPattern(profile), head, '') && !native.overlaps.includes(profile.id);
    return isWrong
      ? [{ path: ['magic'], message: `matches ${native.id} programs, which run natively on this machine` }]
      : [];
  }
  const header = decodeHeader(head);
  return (['class', 'byteOrder', 'machine'] as const)
    .filter((key) => header[key] !== profile.elf[key])
    .map((key) => ({
      path: ['elf', key],
      message: `is ${profile.elf[key]}, but ${native.id} programs on this machine have ${header[key]}`,
    }));
}
