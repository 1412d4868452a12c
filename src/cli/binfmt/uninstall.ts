import { readEntries } from '../../binfmt/entries.ts';
import { findArch } from '../../catalogue/resolve.ts';
import type { Context } from '../../context.ts';
import { isBinfmtctlError, isItemFailure } from '../../errors.ts';
import { uninstall } from '../../install/uninstall.ts';
import { isGlob, matchesGlob } from '../../rule/glob.ts';
import { log } from './log.ts';

/** WSL runs Windows programs through it. The original never removes it. */
const KEPT = 'WSLInterop';

/**
 * Removes the named entries and returns the failures. As in the original, a name without an entry is reported but is not a
 * failure.
 */
export async function removeAll(names: readonly string[], context: Context): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const name of names) {
    const entries = entriesFor(name, context);
    if (entries.length === 0) log(`uninstalling: ${name} not found`);
    for (const entry of entries) {
      try {
        log(`uninstalling: ${entry} ${(await remove(entry, context)) ? 'OK' : 'not found'}`);
      } catch (error) {
        if (!isItemFailure(error)) throw error;
        log(`uninstalling: ${entry} ${error.message}`);
        failures.push(`${entry}: ${error.message}`);
      }
    }
  }
  return failures;
}

/** False if another process removed it first, even if it is registered again by now. */
async function remove(entry: string, context: Context): Promise<boolean> {
  try {
    await uninstall({ names: [entry], all: false, purge: false, dryRun: false }, context);
    return true;
  } catch (error) {
    if (isBinfmtctlError(error) && GONE.includes(error.code)) return false;
    throw error;
  }
}

/** Codes for a missing entry: its name is then looked up as an architecture. */
const GONE: readonly string[] = ['ENTRY_NOT_FOUND', 'UNKNOWN_ARCH'];

/** A word is the name of an entry, a glob, the part of a name after its hyphen, or an arch in any spelling. */
function entriesFor(word: string, context: Context): readonly string[] {
  const names = entryNames(context);
  if (isGlob(word)) return names.filter((name) => matchesGlob(word, name));
  const ids = [word, ...archIds(word, context.catalogue)];
  const found = names.find((name) => ids.some((id) => name === id || name.endsWith(`-${id}`)));
  return found === undefined ? [] : [found];
}

const entryNames = ({ binfmtDirectory }: Context): readonly string[] =>
  readEntries(binfmtDirectory)
    .all.map(({ name }) => name)
    .filter((name) => name !== KEPT);

function archIds(word: string, catalogue: Context['catalogue']): readonly string[] {
  try {
    return [findArch(catalogue, word).id];
  } catch {
    return [];
  }
}
