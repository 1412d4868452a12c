import type { Context } from '../context.ts';

/** A context that also collects warnings, and reports each text once; with `silent` it only collects them. */
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
      // A repeated decision repeats its warnings.
      if (warnings.includes(progress.text)) return;
      warnings.push(progress.text);
    }
    if (progress.kind !== 'warning' || !silent) context.report(progress);
  };
  return { context: { ...context, report }, warnings };
}
