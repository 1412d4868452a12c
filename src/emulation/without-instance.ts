import type { Arch } from '../catalogue/types.ts';
import type { Emulation } from './types.ts';

/** The emulation without a private instance: only the program's architecture is emulated. */
export function withoutInstance(
  emulation: Emulation,
  arch: Arch | null,
  by: 'emulator' | 'proot',
  warning: string,
): Emulation {
  const others = emulation.arches.filter((each) => each.by !== 'private');
  const own = emulation.arches.filter((each) => each.by === 'private' && each.arch === arch?.id);
  return {
    programs: [by],
    formats: emulation.formats,
    arches: [...others, ...own.map((each) => ({ ...each, by, entry: null }))],
    rules: null,
    warnings: [...emulation.warnings, warning],
  };
}
