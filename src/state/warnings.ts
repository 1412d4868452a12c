import type { Context } from '../context.ts';

/** The context with all that is warned of from now on kept, too, each text once; with `silent` it is only kept. */
export function keepingWarnings(
  context: Context,
  { silent = false }: { readonly silent?: boolean } = {},
): {
  readonly context: Context;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const report: Context['report'] = (progress) => {
    if (progress.kind === 'warning') {
      // What is decided once more is warned of once more.
      if (warnings.includes(progress.text)) return;
      warnings.push(progress.text);
    }
    if (progress.kind !== 'warning' || !silent) context.report(progress);
  };
  return { context: { ...context, report }, warnings };
}
