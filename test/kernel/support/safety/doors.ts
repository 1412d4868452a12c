/** The ways in which rules reach an instance: library calls, files of other tools, profiles, and a killed run's journal. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { register } from '../../../../src/binfmt/register.ts';
import { encodeFormatProfile } from '../../../../src/catalogue/profile/encode-format.ts';
import { applyBinfmtD } from '../../../../src/compat/systemd-binfmt/apply.ts';
import { install } from '../../../../src/compat/update-binfmts/index.ts';
import type { Context } from '../../../../src/context.ts';
import { BinfmtctlError } from '../../../../src/errors.ts';
import { encodeRuleLine } from '../../../../src/file-format/binfmt-d.ts';
import { descriptionOf, encodeAdminFile } from '../../../../src/file-format/binfmt-support.ts';
import type { Rule } from '../../../../src/rule/types.ts';
import { findUnsafe } from '../../../../src/safety/machine-safety.ts';
import type { Natives } from '../../../../src/safety/natives.ts';
import { journalOf, repair } from '../../../../src/state/repair.ts';
import { type ImportSource, importRules } from '../../../../src/transfer/import.ts';

/** Registers those of the rules that it accepts. */
export interface Door {
  readonly name: string;
  readonly register: (rules: readonly Rule[]) => Promise<void>;
}

/** A part of the check to omit, to show that the comparison detects it. */
export const isLeftOut = (check: string, { pattern }: Rule): boolean =>
  check === 'none' ||
  (check === 'no-extensions' && pattern.type === 'extension') ||
  (check === 'no-magic' && pattern.type === 'magic');

/** The check, possibly without a part, and the kernel. */
export function libraryDoor(context: Context, natives: Natives, check: string): Door {
  return {
    name: 'library',
    async register(rules) {
      const unsafe = await findUnsafe(rules, context, { natives });
      for (const rule of rules)
        if (!unsafe.has(rule) || isLeftOut(check, rule))
          await ignoringRefusals(() => register(context.binfmtDirectory, rule));
    },
  };
}

/** Doors that read `folder`, including everything besides the check: they take 20 to 50 ms. */
export function slowDoors(context: Context, folder: string): readonly Door[] {
  const importing = (from: ImportSource, encode: (rule: Rule) => string | Uint8Array | null): Door => ({
    name: `import from ${from}`,
    register: (rules) =>
      ignoringRefusals(async () => {
        const paths = writeAll(folder, rules, encode);
        await importRules({ paths, from, replace: false, dryRun: false }, context);
      }),
  });
  const line = (rule: Rule): string => `${encodeRuleLine(rule)}\n`;
  return [
    importing('binfmt.d', line),
    importing('admin', (rule) => encodeAdminFile(descriptionOf(rule))),
    importing('profile', encodeFormatProfile),
    {
      name: 'systemd-binfmt',
      register: (rules) =>
        ignoringRefusals(async () => {
          await applyBinfmtD({ files: writeAll(folder, rules, line), flush: false }, context);
        }),
    },
    { name: 'update-binfmts', register: (rules) => throughUpdateBinfmts(rules, context, folder) },
    { name: 'journal', register: (rules) => throughJournal(rules, context) },
  ];
}

/** A run that removed the rules and was killed: the next one restores them. */
async function throughJournal(rules: readonly Rule[], context: Context): Promise<void> {
  mkdirSync(context.store, { recursive: true });
  const steps = rules.map((rule) => ({ kind: 'unregister', entry: { ...rule, enabled: true } }) as const);
  await journalOf(context).open(steps);
  await repair(context);
}

async function throughUpdateBinfmts(rules: readonly Rule[], context: Context, folder: string): Promise<void> {
  const ignore = (): void => {};
  const adminDirectory = emptied(join(folder, 'admin'));
  const session = {
    ...{ adminDirectory, importDirectory: join(folder, 'none'), test: false, context },
    ...{ say: ignore, warn: ignore, print: ignore },
  };
  for (const rule of rules)
    await ignoringRefusals(() => install(session, rule.name, descriptionOf(rule), { enables: true }));
}

function writeAll(
  folder: string,
  rules: readonly Rule[],
  encode: (rule: Rule) => string | Uint8Array | null,
): string[] {
  const directory = emptied(join(folder, 'rules'));
  return rules.flatMap((rule) => {
    const content = encode(rule);
    const path = join(directory, rule.name);
    if (content === null) return [];
    writeFileSync(path, content);
    return [path];
  });
}

function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Doors refuse unsafe rules and untrusted interpreters; the kernel refuses a missing interpreter with F. */
async function ignoringRefusals(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof BinfmtctlError)) throw error;
  }
}
