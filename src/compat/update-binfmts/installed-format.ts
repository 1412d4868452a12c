import { runningKernelFeatures } from '../../binfmt/features.ts';
import { type Description, registerString } from '../../file-format/binfmt-support.ts';
import { parseRegister, type Refusal } from '../../rule/register.ts';
import { type Entry, isBpf, type Pattern, type Rule } from '../../rule/types.ts';
import { strerror } from '../../system/strerror.ts';
import { runDetectorsPath } from './run-detectors-path.ts';

/** An installed format and its rule. */
export interface InstalledFormat {
  readonly name: string;
  readonly string: Uint8Array;
  /** The rule in `string`, or the errno with which the kernel refuses it. */
  readonly rule: Rule | Refusal['errno'];
  /** The program that finally runs files of the format. */
  readonly interpreter: string;
  /** Why the format cannot be registered, found without the kernel; null if no reason is found. */
  readonly preflightError: string | null;
  /** Warnings to print after the registration. */
  readonly notes: readonly string[];
}

/** Builds the rule of format `name` in the database. `hiddenBy` returns the entries that a pattern would hide. */
export function installedFormat(
  name: string,
  database: ReadonlyMap<string, Description>,
  hiddenBy: (pattern: Pattern) => readonly Entry[],
): InstalledFormat {
  const description = database.get(name) as Description;
  const isShared = [...database].some(([other, each]) => other !== name && isSameSpec(each, description));
  const chooses = isShared || description.detector !== '';
  const parse = (string: Uint8Array) => parseRegister(string, { linux73: runningKernelFeatures().linux73 });
  const itself = parse(registerString(name, description, description.interpreter));
  const hidden = 'rule' in itself && !isBpf(itself.rule) ? hiddenBy(itself.rule.pattern) : [];
  // The kernel does not start a script for a format with credentials.
  const passesOn = hidden.length > 0 && description.credentials !== 'yes';
  const { path, isScript } = runDetectorsPath({ passesOn });
  const string = registerString(name, description, chooses ? path : description.interpreter);
  const parsed = parse(string);
  return {
    name,
    string,
    rule: 'rule' in parsed ? parsed.rule : parsed.errno,
    interpreter: description.interpreter,
    preflightError: chooses ? findPreflightError(description, { isScript }) : null,
    notes: hidden.map((entry) => hidingNote(name, description, entry, { passesOn: isScript })),
  };
}

function hidingNote(
  name: string,
  { detector }: Description,
  entry: Entry,
  { passesOn }: { readonly passesOn: boolean },
): string {
  const text = `format ${name} takes precedence over the older entry ${entry.name}`;
  if (detector === '') return `${text}: ${entry.interpreter} no longer runs files that match both`;
  return passesOn
    ? `${text}; files that ${detector} refuses still go to ${entry.interpreter}`
    : `${text}; files that ${detector} refuses no longer run`;
}

/** Compares the texts: `\x41B` and `AB` differ. */
const isSameSpec = (a: Description, b: Description): boolean =>
  (['type', 'offset', 'magic', 'mask'] as const).every((field) => a[field] === b[field]);

/** run-detectors opens the interpreter when it runs, so it does not support fix-binary formats. */
function findPreflightError(
  { fix_binary, credentials }: Description,
  { isScript }: { readonly isScript: boolean },
): string | null {
  if (fix_binary === 'yes')
    return `another format with the same magic already exists and this is a fix-binary format: ${strerror('ENOENT')}`;
  // A script as interpreter fails with ENOEXEC if the kernel has opened the file for it (exec_binprm()).
  return credentials === 'yes' && isScript
    ? 'its detector is run by a script, which the kernel does not start for a format with credentials'
    : null;
}
