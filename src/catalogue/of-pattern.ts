import { covers } from '../rule/algebra.ts';
import { matches } from '../rule/match.ts';
import type { Pattern } from '../rule/types.ts';
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
  const taken = Object.values(arches).filter((arch) => matches(pattern, archPattern(arch).magic, ''));
  return taken.find((arch) => covers(pattern, archPattern(arch))) ?? taken[0] ?? null;
}
