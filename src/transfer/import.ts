import { openInterpreters } from '../binfmt/checked-interpreters.ts';
import { listEntries } from '../binfmt/entries.ts';
import { ensureMounted, inspectInstance } from '../binfmt/instance/instance.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { applySteps } from '../install/apply.ts';
import { checkLifetime } from '../install/lifetime.ts';
import type { Entry } from '../rule/types.ts';
import { hiddenEntries } from '../safety/hidden-entries.ts';
import { findUnsafe, warnOfScripts } from '../safety/machine-safety.ts';
import { findUnfitInterpreters } from '../safety/unfit-interpreters.ts';
import { changeInstance } from '../state/instance-change.ts';
import { withStoreLock } from '../state/lock.ts';
import { repair } from '../state/repair.ts';
import type { Step } from '../state/steps.ts';
import { keepingWarnings } from '../state/warnings.ts';
import { type ImportItem, type ImportSource, readItems } from './import-files.ts';
import { type ImportedRule, type ImportPlan, planImport } from './plan-import.ts';

export type { ImportSource } from './import-files.ts';

export interface ImportRequest {
  /** Files, directories and mounted instances. */
  readonly paths: readonly string[];
  /** Form of the files; null to detect it for each file. */
  readonly from: ImportSource | null;
  /** Replace an existing entry of the same name that differs from the rule. */
  readonly replace: boolean;
  readonly dryRun: boolean;
}

/** Result of `importRules`. */
export interface ImportResult {
  readonly schema: 'binfmtctl/import/1';
  readonly dryRun: boolean;
  readonly steps: readonly Step[];
  /** Names of entries that existed already. */
  readonly unchanged: readonly string[];
  /** Parts of registered rules' files that have no meaning and were ignored. */
  readonly lost: readonly Omitted[];
  /** Items that cannot become kernel rules. */
  readonly leftOut: readonly Omitted[];
}

/** A part of an imported file that is not registered. */
export interface Omitted {
  readonly place: string;
  readonly why: string;
}

/** The most problems that one error lists. */
const MAX_LISTED = 5;

/**
 * Registers the rules of files, directories or another instance, all or none. The kernel tries later rules first.
 *
 * @throws BAD_RULE for invalid input, with file and line; UNSAFE_RULE; ENTRY_EXISTS without `replace`; EMULATOR_NOT_FOUND
 * for a profile without an installed interpreter; FILE_FAILED, NO_PRIVILEGE, NO_BINFMT_MISC; the errors of the steps.
 */
export async function importRules(request: ImportRequest, outer: Context): Promise<ImportResult> {
  const { context } = keepingWarnings(outer);
  const items = (await Promise.all(request.paths.map((path) => readItems(path, request.from)))).flat();
  assertValid(items);
  const imported = items.flatMap((item) => ('rule' in item ? [item] : []));
  using checked = openInterpreters(imported.map(({ rule }) => rule));
  await assertAllSafe(imported, context);
  const leftOut = items.flatMap((item) =>
    'leftOut' in item ? [{ place: item.place, why: item.leftOut }] : [],
  );
  const lost = imported.flatMap(({ place, lost: why }) => (why === undefined ? [] : [{ place, why }]));
  const decide = async (entries: readonly Entry[]): Promise<ImportPlan> => {
    const plan = planImport(entries, imported);
    if (plan.replaced.length > 0 && !request.replace) throw exists(plan.replaced.map(({ name }) => name));
    const unchanged = new Set(plan.unchanged);
    const names = new Set(imported.map(({ rule }) => rule.name));
    const added = imported.filter(({ rule }) => !unchanged.has(rule.name));
    const others = entries.filter(({ name }) => !names.has(name));
    warnOfHidden(added, others, context);
    return plan;
  };
  const resultOf = ({ steps, unchanged }: ImportPlan): ImportResult => ({
    ...{ schema: 'binfmtctl/import/1', dryRun: request.dryRun, steps, unchanged, lost, leftOut },
  });
  const { binfmtDirectory } = context;
  if (request.dryRun) {
    const { mounted } = inspectInstance(binfmtDirectory);
    return resultOf(await decide(mounted ? listEntries(binfmtDirectory) : []));
  }
  const lifetimeNotes = await checkLifetime(await ensureMounted(binfmtDirectory), context);
  const apply = async (plan: ImportPlan): Promise<ImportResult> => {
    await applySteps(plan.steps, [], context, checked);
    lifetimeNotes(plan.steps.length > 0);
    return resultOf(plan);
  };
  return await withStoreLock(context, async () => {
    await repair(context);
    return changeInstance({ decide, apply }, context);
  });
}

/** Warns of older entries that a new rule hides: the kernel tries the newest entry first. */
function warnOfHidden(
  added: readonly ImportedRule[],
  entries: readonly Entry[],
  { report }: Pick<Context, 'report'>,
): void {
  const hiddenBy = hiddenEntries(entries);
  const texts = added.flatMap(({ rule }) =>
    hiddenBy(rule.pattern).map(
      ({ name }) => `rule ${rule.name} takes precedence over the older entry ${name}`,
    ),
  );
  for (const text of new Set(texts)) report({ kind: 'warning', text });
}

function assertValid(items: readonly ImportItem[]): void {
  const wrong = items.flatMap((item) => ('wrong' in item ? [`${item.place}: ${item.wrong}`] : []));
  if (wrong.length === 0) return;
  throw new BinfmtctlError('BAD_RULE', inOneLine(wrong), {
    hint: 'nothing was registered; correct the file, or pass its form with --from',
  });
}

async function assertAllSafe(imported: readonly ImportedRule[], context: Context): Promise<void> {
  const rules = imported.map(({ rule }) => rule);
  const unsafe = [
    ...(await findUnsafe(rules, context)).values(),
    ...findUnfitInterpreters(rules, context).values(),
  ];
  const [first] = unsafe;
  if (first === undefined) return warnOfScripts(rules, context);
  throw new BinfmtctlError('UNSAFE_RULE', inOneLine(unsafe.map(({ message }) => message)), {
    hint: first.hint,
  });
}

function exists(names: readonly string[]): BinfmtctlError {
  const [name = ''] = names;
  const which =
    names.length === 1 ? `entry ${name} exists and differs` : `entries ${names.join(', ')} exist and differ`;
  return new BinfmtctlError('ENTRY_EXISTS', `${which} from the imported rules`, {
    hint: '`binfmtctl status` shows the entries; --replace replaces them',
  });
}

function inOneLine(problems: readonly string[]): string {
  const more = problems.length > MAX_LISTED ? `; and ${problems.length - MAX_LISTED} more` : '';
  return `${problems.slice(0, MAX_LISTED).join('; ')}${more}`;
}
