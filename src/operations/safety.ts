import { BinfmtctlError } from '../errors.ts';
import { refuseUnsafe } from '../plan/safety.ts';
import { overlap } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import type { Rule } from '../rule/types.ts';
import { tryReadHead } from '../system/head.ts';
import type { Context } from './context.ts';
import { findNatives } from './natives.ts';

/** Those of `rules` that would stop the machine, each with the UNSAFE_RULE that says why. */
export async function findUnsafe(
  rules: readonly Rule[],
  context: Context,
): Promise<ReadonlyMap<Rule, BinfmtctlError>> {
  if (rules.length === 0) return new Map();
  // To try whether an arch runs here takes a program; most rules could not take its programs anyway.
  const { patterns } = await findNatives(context, (native) =>
    rules.some(({ pattern }) => pattern.type === 'magic' && overlap(pattern, native)),
  );
  const unsafe = new Map<Rule, BinfmtctlError>();
  for (const rule of rules) {
    try {
      refuseUnsafe(rule, patterns, tryReadHead(rule.interpreter, HEAD_SIZE));
    } catch (error) {
      if (!(error instanceof BinfmtctlError)) throw error;
      unsafe.set(rule, error);
    }
  }
  return unsafe;
}
