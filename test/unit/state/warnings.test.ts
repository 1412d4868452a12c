import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/context.ts';
import { keepingWarnings } from '../../../src/state/warnings.ts';

type Progress = Parameters<Context['report']>[0];

const warning = (text: string): Progress => ({ kind: 'warning', text });
const other = { kind: 'other', text: 'a' } as unknown as Progress;

function kept(progress: readonly Progress[], silent?: boolean) {
  const reported: Progress[] = [];
  const outer = {
    report: (each: Progress) => void reported.push(each),
    store: '/store',
  } as unknown as Context;
  const { context, warnings } = keepingWarnings(outer, silent === undefined ? {} : { silent });
  for (const each of progress) context.report(each);
  return { reported, warnings, store: context.store };
}

describe('keepingWarnings', () => {
  it('reports and collects warnings, and keeps the rest of the context', () => {
    const all = [warning('a'), other, warning('b')];
    expect(kept(all)).toEqual({ reported: all, warnings: ['a', 'b'], store: '/store' });
  });

  it('reports and collects each text once', () => {
    const { reported, warnings } = kept([warning('a'), warning('a'), other, other]);
    expect(reported).toEqual([warning('a'), other, other]);
    expect(warnings).toEqual(['a']);
  });

  it('collects warnings without reporting them if it is silent', () => {
    const { reported, warnings } = kept([warning('a'), other], true);
    expect(reported).toEqual([other]);
    expect(warnings).toEqual(['a']);
  });
});
