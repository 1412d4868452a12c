import { covers } from '../rule/algebra.ts';
import { formatHex } from '../rule/hex.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';
import { archPattern } from './resolve.ts';
import type { Arch, Catalogue } from './types.ts';

/**
 * Returns the arch whose programs a pattern matches; null if there is none.
 *
 * A pattern with a wider mask than ours may match several, as QEMU's older MIPS entries do. This returns the first arch that it
 * covers completely, else the first whose plain header it matches.
 */
export function archOfPattern({ arches }: Catalogue, pattern: Pattern): Arch | null {
  if (pattern.type === 'extension') return null;
  const matched = candidates(arches, pattern).filter((arch) => matches(pattern, archPattern(arch).magic, ''));
  return matched.find((arch) => covers(pattern, archPattern(arch))) ?? matched[0] ?? null;
}

const E_MACHINE = 18;

/** Returns the arches with the `e_machine` that the pattern requires, or all. Comparing every entry with all arches is slow. */
function candidates(arches: Catalogue['arches'], { offset, magic, mask }: MagicPattern): readonly Arch[] {
  const at = E_MACHINE - offset;
  const isCompared = (index: number): boolean =>
    index >= 0 && index < magic.length && (mask === null || mask[index] === 0xff);
  if (!isCompared(at) || !isCompared(at + 1)) return Object.values(arches);
  return byMachine(arches).get(formatHex(magic.subarray(at, at + 2))) ?? [];
}

const machines = new WeakMap<Catalogue['arches'], ReadonlyMap<string, readonly Arch[]>>();

/** Indexes arches by the two bytes of `e_machine`, in hex. */
function byMachine(arches: Catalogue['arches']): ReadonlyMap<string, readonly Arch[]> {
  const known = machines.get(arches);
  if (known !== undefined) return known;
  const groups = new Map<string, Arch[]>();
  for (const arch of Object.values(arches)) {
    const start = 2 * E_MACHINE;
    // The kernel pads a shorter file with zeros.
    const machine = arch.magic
      .slice(start, start + 4)
      .toLowerCase()
      .padEnd(4, '0');
    groups.set(machine, [...(groups.get(machine) ?? []), arch]);
  }
  machines.set(arches, groups);
  return groups;
}
