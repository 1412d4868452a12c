import { listEntries } from '../../kernel/entries.ts';
import { inspectInstance } from '../../kernel/instance.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { firstMatch } from '../../rule/match.ts';
import { candidatesFor, headOf, type Matcher } from './candidates.ts';
import { inOrderOfTrial } from './detectors.ts';
import { isRunDetectors } from './run-detectors-path.ts';
import type { Session } from './session.ts';

/**
 * Prints the interpreters that would be tried for a file, in order.
 *
 * As the kernel: that of the first entry that takes it, whoever registered it; where that is run-detectors, those that it
 * tries. @throws FILE_FAILED, BAD_ENTRY.
 */
export async function find(session: Session, target: string, matcher: Matcher): Promise<boolean> {
  const { context, adminDirectory, print, say } = session;
  const { binfmtDirectory } = context;
  const direct = matcher === 'kernel' ? directInterpreter(binfmtDirectory, target) : null;
  const places = { adminDirectory, binfmtDirectory };
  const chosen = direct ?? (await inOrderOfTrial(candidatesFor(places, target, matcher), target, say));
  for (const interpreter of chosen) print(`${interpreter}\n`);
  return true;
}

/** Null where run-detectors has to choose. */
function directInterpreter(directory: string, target: string): readonly string[] | null {
  const head = headOf(target, HEAD_SIZE);
  const entry = inspectInstance(directory).enabled ? firstMatch(listEntries(directory), head, target) : null;
  if (entry === null) return [];
  return isRunDetectors(entry.interpreter) ? null : [entry.interpreter];
}
