import { defaultStore } from '../emulators/place.ts';
import type { Context, Progress } from '../operations/context.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import type { CommonOptions } from './common.ts';

/** The context of an operation from the options that every command has. */
export async function openContext(
  { binfmtDir, store, catalogue }: CommonOptions,
  report: (progress: Progress) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Context> {
  return {
    catalogue:
      catalogue.length === 0
        ? builtinCatalogue()
        : await (await import('./work.ts')).loadCatalogue(catalogue),
    binfmtDirectory: binfmtDir,
    store: store ?? defaultStore(process.env, process.geteuid?.() ?? 0),
    report,
    signal,
  };
}
