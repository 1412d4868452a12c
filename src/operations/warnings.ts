import type { Context } from './context.ts';

/** The context with all that is warned of from now on kept, too; with `silent` it is only kept. */
export function keepingWarnings(
  context: Context,
  { silent = false }: { readonly silent?: boolean } = {},
): {
  readonly context: Context;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const report: Context['report'] = (progress) => {
    if (progress.kind === 'warning') warnings.push(progress.text);
    if (progress.kind !== 'warning' || !silent) context.report(progress);
  };
  return { context: { ...context, report }, warnings };
}
