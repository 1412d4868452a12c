/** Writes the entries of an instance in one of the forms, and reports what the form cannot express. */

import { encodeFormatProfile, isProfileId } from '../catalogue/profile/encode-format.ts';
import { isBinfmtctlError } from '../errors.ts';
import { encodeRuleLine, HEADER, markDisabled } from '../file-format/binfmt-d.ts';
import {
  type Description,
  descriptionOf,
  encodeAdminFile,
  encodeFormatFile,
  ruleOfDescription,
} from '../file-format/binfmt-support.ts';
import { overlap } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import { decodeText } from '../rule/text.ts';
import { type AnyEntry, type Entry, isBpf, type Rule } from '../rule/types.ts';
import type { Form } from './recognise.ts';

export interface Written {
  /** A single unnamed file, or one file per entry. */
  readonly files: readonly { readonly name: string | null; readonly text: string }[];
  /** Properties of written entries that the form cannot express. */
  readonly lost: readonly Omission[];
  /** Entries that the form cannot express at all. */
  readonly leftOut: readonly Omission[];
}

/** A part of an entry that is not exported. */
export interface Omission {
  readonly entry: string;
  readonly why: string;
}

type Outcome =
  | { readonly name: string | null; readonly text: string; readonly lost?: string | undefined }
  | { readonly leftOut: string };

/** Writes entries, which are in the kernel's order, newest first. A single file has the oldest first. */
export function writeEntries(entries: readonly AnyEntry[], form: Form): Written {
  const outcomes = entries.toReversed().map((entry) => ({ entry, outcome: writeEntry(entry, form) }));
  const written = outcomes.flatMap(({ entry, outcome }) =>
    'text' in outcome ? [{ entry, ...outcome }] : [],
  );
  const isOneFile = form === 'register' || form === 'binfmt.d';
  const all = `${form === 'binfmt.d' ? HEADER : ''}${written.map(({ text }) => text).join('')}`;
  return {
    files: isOneFile ? [{ name: null, text: all }] : written.map(({ name, text }) => ({ name, text })),
    lost: [
      ...written.flatMap(({ entry, lost }) => (lost === undefined ? [] : [{ entry: entry.name, why: lost }])),
      ...(isOneFile ? [] : lostOrder(written)),
    ],
    leftOut: outcomes.flatMap(({ entry, outcome }) =>
      'leftOut' in outcome ? [{ entry: entry.name, why: outcome.leftOut }] : [],
    ),
  };
}

function writeEntry(entry: AnyEntry, form: Form): Outcome {
  if (isBpf(entry)) return { leftOut: 'a BPF program matches the files, not a rule' };
  if (entry.extra !== undefined) return { leftOut: `unknown settings: ${entry.extra.join(', ')}` };
  const { enabled, ...rule } = entry;
  const isLine = form === 'register' || form === 'binfmt.d';
  if (!enabled && !isLine) return { leftOut: 'it is disabled, which this form cannot express' };
  try {
    if (isLine)
      return { name: null, text: `${enabled ? encodeRuleLine(rule) : markDisabled(encodeRuleLine(rule))}\n` };
    return form === 'profile' ? asProfile(rule) : asDescription(rule, form);
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    return { leftOut: error.hint ?? error.message };
  }
}

function asDescription(rule: Rule, form: Form): Outcome {
  const unsaid = rule.flags.filter((flag) => flag === 'T' || flag === 'L');
  if (unsaid.length > 0) return { leftOut: `binfmt-support has no flag ${unsaid.join(' and ')}` };
  const description: Description = descriptionOf(rule);
  const back = ruleOfDescription(rule.name, description);
  const isLosingO = rule.flags.includes('O') && !rule.flags.includes('C');
  const expected = isLosingO ? { ...rule, flags: rule.flags.filter((flag) => flag !== 'O') } : rule;
  if ('errno' in back || back.name !== rule.name || !equalRules(back, expected))
    return { leftOut: 'it contains a `:`, which ends a field in update-binfmts' };
  const bytes =
    form === 'admin' ? encodeAdminFile(description) : encodeFormatFile({ ...description, package: PACKAGE });
  return {
    name: rule.name,
    text: decodeText(bytes),
    lost: isLosingO ? 'flag O: binfmt-support sets it only together with C' : undefined,
  };
}

/** The package in format files: with one, `update-binfmts --import` does not treat the format as local. */
const PACKAGE = 'binfmtctl';

function asProfile(rule: Rule): Outcome {
  if (!isProfileId(rule.name)) return { leftOut: 'its name is not a valid profile ID' };
  const text = encodeFormatProfile(rule);
  if (text === null) return { leftOut: 'its extension or interpreter is not valid in a profile' };
  return { name: `${rule.name}.yaml`, text };
}

/** Files are read in the order of their names, and the last one becomes the newest entry. Finds entries whose order that changes. */
function lostOrder(
  written: readonly { readonly name: string | null; readonly entry: AnyEntry }[],
): readonly Omission[] {
  return written.flatMap(({ name, entry }, index) => {
    const overtaken = written
      .slice(0, index)
      .filter((older) => (older.name ?? '') > (name ?? '') && canOverlap(older.entry, entry))
      .map((older) => older.entry.name);
    return overtaken.length === 0
      ? []
      : [
          {
            entry: entry.name,
            why: `its order before ${overtaken.join(', ')}: files are read in name order`,
          },
        ];
  });
}

const canOverlap = (a: AnyEntry, b: AnyEntry): boolean =>
  !isBpf(a) && !isBpf(b) && overlap((a as Entry).pattern, (b as Entry).pattern);
