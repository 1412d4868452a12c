import { BinfmtctlError } from '../errors.ts';
import { overlap, SCRIPT_PATTERN } from '../rule/algebra.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern, Rule } from '../rule/types.ts';

/** Something that must go on running without an emulator. */
export interface Native {
  /** As it is said in a message: `x86_64 programs`. */
  readonly what: string;
  readonly pattern: MagicPattern;
}

/**
 * Refuses a rule that could stop the machine: one whose pattern can match a native program, a `#!` script, or the
 * rule's own interpreter. binfmt_misc is asked before the kernel's own loaders (fs/exec.c search_binary_handler()),
 * so such a rule makes every exec concerned loop until ELOOP, `rm` and `sh` included.
 *
 * `interpreterHead` is the first 256 bytes of the interpreter, null where it cannot be read.
 *
 * @throws UNSAFE_RULE naming what the rule would swallow.
 */
export function refuseUnsafe(
  rule: Rule,
  natives: readonly Native[],
  interpreterHead: Uint8Array | null,
): void {
  const swallowed = swallows(rule, natives, interpreterHead);
  if (swallowed === null) return;
  throw new BinfmtctlError('UNSAFE_RULE', `rule ${rule.name} would take over ${swallowed}: refused`, {
    hint: 'its mask leaves too much open: compare it with `binfmtctl catalogue show`, and run `binfmtctl catalogue lint` on profiles of your own',
  });
}

function swallows(rule: Rule, natives: readonly Native[], interpreterHead: Uint8Array | null): string | null {
  const { pattern } = rule;
  if (interpreterHead !== null && matches(pattern, interpreterHead, rule.interpreter))
    return 'its own interpreter';
  if (pattern.type === 'extension') return null;
  if (overlap(pattern, SCRIPT_PATTERN)) return '`#!` scripts';
  return natives.find((native) => overlap(pattern, native.pattern))?.what ?? null;
}
