import { covers } from '../rule/algebra.ts';
import { formatHex } from '../rule/hex.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';
import { archPattern } from './resolve.ts';
import type { Arch, Catalogue } from './types.ts';

/**
 * The arch whose programs a pattern takes; null where it takes none of any.
 *
 * A pattern with a wider mask than ours may take several (QEMU's older MIPS entries do): the first that it covers
 * wholly is it, else the first whose plain header it matches.
 */
export function archOfPattern({ arches }: Catalogue, pattern: Pattern): Arch | null {
  if (pattern.type === 'extension') return null;
  const taken = candidates(arches, pattern).filter((arch) => matches(pattern, archPattern(arch).magic, ''));
  return taken.find((arch) => covers(pattern, archPattern(arch))) ?? taken[0] ?? null;
}

const E_MACHINE = 18;

/** All arches, or those with the `e_machine` that the pattern compares: to compare all with the pattern of every entry takes long. */
function candidates(arches: Catalogue['arches'], { offset, magic, mask }: MagicPattern): readonly Arch[] {
  const at = E_MACHINE - offset;
  const isCompared = (index: number): boolean =>
    index >= 0 && index < magic.length && (mask === null || mask[index] === 0xff);
  if (!isCompared(at) || !isCompared(at + 1)) return Object.values(arches);
  return byMachine(arches).get(formatHex(magic.subarray(at, at + 2))) ?? [];
}

const machines = new WeakMap<Catalogue['arches'], ReadonlyMap<string, readonly Arch[]>>();

/** By the two bytes in hex. */
function byMachine(arches: Catalogue['arches']): ReadonlyMap<string, readonly Arch[]> {
  const known = machines.get(arches);
  if (known !== undefined) return known;
  const groups = new Map<string, Arch[]>();
  for (const arch of Object.values(arches)) {
    const start = 2 * E_MACHINE;
    // As the kernel fills up a shorter file.
    const machine = arch.magic
      .slice(start, start + 4)
      .toLowerCase()
      .padEnd(4, '0');
    groups.set(machine, [...(groups.get(machine) ?? []), arch]);
  }
  machines.set(arches, groups);
  return groups;
}
