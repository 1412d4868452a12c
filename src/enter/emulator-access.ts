import { readProgram } from '../emulators/program.ts';
import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import { matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import { resolveInRoot } from '../system/file/root-path.ts';

/**
 * Checks that the emulators of a private instance can run programs with these first bytes inside a root. A dynamic emulator needs
 * its loader there, and without flag F also its own file.
 *
 * @throws EMULATOR_UNFIT with the missing file.
 */
export async function assertServesRoot(
  heads: readonly Uint8Array[],
  rules: readonly Rule[],
  root: string,
): Promise<void> {
  const serving = heads.flatMap((head) => rules.find(({ pattern }) => matches(pattern, head, '')) ?? []);
  for (const { interpreter, flags } of new Set(serving)) {
    const loader = await loaderOf(interpreter);
    if (loader === null) continue;
    const needed = flags.includes('F') ? [loader] : [interpreter, loader];
    const missing = needed.find((path) => resolveInRoot(root, path) === null);
    if (missing === undefined) continue;
    const why = `it is dynamic, and ${root} has no ${missing}`;
    throw new BinfmtctlError('EMULATOR_UNFIT', `${interpreter} cannot run programs inside ${root}: ${why}`, {
      hint: 'use a static emulator: omit --emulator, or pass one with --source; `binfmtctl run` supports dynamic emulators for single programs',
    });
  }
}

/** The loader of a program; null for a static program or a script. */
async function loaderOf(path: string): Promise<string | null> {
  try {
    return (await readProgram(path)).linkage.interpreter;
  } catch (error) {
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}
