import type { Context } from './context.ts';

/** The context with all that is warned of from now on kept, too. */
export function keepingWarnings(context: Context): {
  readonly context: Context;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const report: Context['report'] = (progress) => {
    if (progress.kind === 'warning') warnings.push(progress.text);
    context.report(progress);
  };
  return { context: { ...context, report }, warnings };
}
