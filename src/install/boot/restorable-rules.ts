/** The rules that `uninstall` registers again: rules of other programs whose entries binfmtctl replaced, or whose files it hid. */

import { runningKernelFeatures } from '../../binfmt/features.ts';
import { readAllFiles } from '../../boot/binfmt-d-files.ts';
import { bootFilePath, ruleInBootFile } from '../../boot/boot-file.ts';
import type { Context } from '../../context.ts';
import { decodeBinfmtD } from '../../file-format/binfmt-d.ts';
import { parseRegister } from '../../rule/register.ts';
import { encodeText } from '../../rule/text.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import { findUnsafe } from '../../safety/machine-safety.ts';
import { findUnfitInterpreters } from '../../safety/unfit-interpreters.ts';
import type { Step } from '../../state/steps.ts';
import { readTextIfExists } from '../../system/file/read-file.ts';
import { isProgram } from '../../system/process/tools.ts';
import type { EntryRemoval } from '../plan-uninstall.ts';

/** A rule to register again, and the boot file that contains it; null if there is none. */
export interface RestorableRule {
  readonly arch: string;
  readonly rule: Rule;
  readonly path: string | null;
}

/**
 * The rules to register again after `steps`, which remove the entries of `removals`. Warns about a rule that is unsafe or
 * whose interpreter cannot run, with a command to retry.
 */
export async function findRestorableRules(
  removals: readonly EntryRemoval[],
  steps: readonly Step[],
  entries: readonly Entry[],
  context: Context,
): Promise<readonly RestorableRule[]> {
  const removed = new Set(steps.flatMap((step) => (step.kind === 'unregister' ? [step.entry.name] : [])));
  const found = removals.flatMap(({ registration }) => {
    const name = registration?.rule.name ?? '';
    const isDue = registration?.replaced !== undefined || (registration?.persisted ?? []).length > 0;
    if (registration === null || !removed.has(name) || !isDue) return [];
    const changes = changesOf(steps);
    const lasting = ruleAtBoot(name, changes);
    const { arch, persisted, replaced } = registration;
    // A file of binfmtctl that was changed, and is kept.
    const isLeft = persisted.some(({ path }) => path === lasting?.path && !changes.has(path));
    if (lasting !== null && !isLeft) return [{ arch, ...lasting }];
    return replaced === undefined ? [] : [{ arch, rule: replaced, path: null }];
  });
  if (found.length === 0) return [];
  const rules = found.map(({ rule }) => rule);
  const rest = entries.filter(({ name }) => !removed.has(name));
  const unsafe = await findUnsafe(rules, context, { entries: rest });
  const unfit = findUnfitInterpreters(rules, { report: () => {} });
  return found.filter((each) => {
    const { rule } = each;
    const isMissing = !isProgram(rule.interpreter);
    const missing = isMissing ? `${rule.interpreter} is missing or not executable` : undefined;
    const why = unsafe.get(rule)?.message ?? missing ?? unfit.get(rule)?.message;
    if (why !== undefined) reportLost(each, why, context);
    return why === undefined;
  });
}

/** Warns about a rule that is not registered again, with a command to retry. */
export function reportLost(
  { arch, rule: { name }, path }: RestorableRule,
  why: string,
  { report }: Context,
): void {
  const again = path?.endsWith('.conf')
    ? `binfmtctl systemd-binfmt ${path}`
    : path === null
      ? `binfmtctl install ${arch}`
      : `update-binfmts --enable ${name}`;
  const text = `the replaced entry ${name} was not registered again: ${why}; to try again, run \`${again}\``;
  report({ kind: 'warning', text });
}

/** The rule that the next boot would register: by systemd-binfmt, otherwise by binfmt-support. */
function ruleAtBoot(
  name: string,
  changes: ReadonlyMap<string, string | null>,
): Omit<RestorableRule, 'arch'> | null {
  const files = readAllFiles(changes).flatMap((file) => ('bytes' in file ? [file] : []));
  const lines = files.flatMap((file) =>
    decodeBinfmtD(file.bytes).rules.map((line) => ({ ...line, path: file.name })),
  );
  const line = lines.findLast((each) => each.name === name);
  if (line !== undefined) {
    const parsed = parseRegister(encodeText(`${line.text}\n`), { linux73: runningKernelFeatures().linux73 });
    return 'rule' in parsed && !parsed.disabled ? { rule: parsed.rule, path: line.path } : null;
  }
  const path = bootFilePath('binfmt-support', name);
  const change = changes.get(path);
  const text = change === undefined ? readTextIfExists(path) : change;
  const rule = text === null ? null : ruleInBootFile(path, name, text);
  return rule === null ? null : { rule, path };
}

function changesOf(steps: readonly Step[]): ReadonlyMap<string, string | null> {
  return new Map(
    steps.flatMap((step): readonly (readonly [string, string | null])[] => {
      if (step.kind === 'write') return [[step.path, step.text]];
      return step.kind === 'delete' ? [[step.path, null]] : [];
    }),
  );
}
