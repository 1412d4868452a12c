import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatRules } from '../../../src/catalogue/format-rules.ts';
import { parseProfile } from '../../../src/catalogue/profile/schema.ts';
import { decodeBinfmtD } from '../../../src/file-format/binfmt-d.ts';
import {
  decodeAdminFile,
  decodeFormatFile,
  describeFormatFile,
  ruleOfDescription,
} from '../../../src/file-format/binfmt-support.ts';
import { overlap } from '../../../src/rule/algebra.ts';
import { equalRules } from '../../../src/rule/equal.ts';
import { parseRegister } from '../../../src/rule/register.ts';
import { encodeText } from '../../../src/rule/text.ts';
import type { Entry, Rule } from '../../../src/rule/types.ts';
import type { Form } from '../../../src/transfer/recognise.ts';
import { type Written, writeEntries } from '../../../src/transfer/write-entries.ts';
import { rule as arbitraryRule } from '../rule/arbitraries.ts';

/** Half of the entries are realistic: random ones rarely fit a form. */
const usual: fc.Arbitrary<Rule> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  pattern: fc.oneof(
    fc.record({
      type: fc.constant('magic' as const),
      offset: fc.nat(3),
      magic: fc.uint8Array({ minLength: 2, maxLength: 2 }),
      mask: fc.constantFrom(null, Uint8Array.of(0xff, 0xff), Uint8Array.of(0xff, 0xf0)),
    }),
    fc.record({ type: fc.constant('extension' as const), extension: fc.stringMatching(/^[a-z]{1,5}$/) }),
  ),
  interpreter: fc.constantFrom('/usr/bin/wine', '/usr/bin/a b', '/opt/x:y'),
  flags: fc.constantFrom<Rule['flags']>([], ['P'], ['O'], ['O', 'C'], ['P', 'F']),
});

const instances = fc.uniqueArray(
  fc
    .tuple(fc.oneof(usual, arbitraryRule), fc.constantFrom(true, true, true, false))
    .map(([rule, enabled]): Entry => ({ ...rule, enabled })),
  { selector: ({ name }) => name, maxLength: 6 },
);

const FORMS: Readonly<Record<Form, (written: Written) => readonly Entry[]>> = {
  'binfmt.d': ({ files: [file] }) => entriesOf(file?.text ?? ''),
  register: ({ files: [file] }) => entriesOf(file?.text ?? ''),
  admin: ({ files }) =>
    inOrder(files).map(({ name, text }) => {
      const description = decodeAdminFile(encodeText(text));
      if ('missing' in description) throw new Error(description.missing);
      return enabled(ruleOfDescription(name, description));
    }),
  'binfmt-support': ({ files }) =>
    inOrder(files).map(({ name, text }) => {
      const description = describeFormatFile(decodeFormatFile(encodeText(text)));
      if (typeof description === 'string') throw new Error(description);
      return enabled(ruleOfDescription(name, description));
    }),
  profile: ({ files }) =>
    inOrder(files).map(({ text }) => {
      const { profile, problems } = parseProfile(parse(text));
      if (profile?.kind !== 'format') throw new Error(JSON.stringify(problems));
      const [rule] = formatRules(profile, profile.interpreters[0]?.path ?? '');
      return enabled(rule as Rule);
    }),
};

function enabled(read: ReturnType<typeof ruleOfDescription>): Entry {
  if ('errno' in read) throw new Error(read.reason);
  return { ...read, enabled: true };
}

/** The order in which importers read the files of a directory. */
const inOrder = (files: Written['files']): readonly { readonly name: string; readonly text: string }[] =>
  files.map(({ name, text }) => ({ name: name ?? '', text })).toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Oldest first. */
function entriesOf(text: string): readonly Entry[] {
  const { rules, disabled } = decodeBinfmtD(encodeText(text));
  return [...rules, ...disabled]
    .toSorted((a, b) => a.line - b.line)
    .map((line) => {
      const parsed = parseRegister(encodeText(line.text));
      if ('errno' in parsed) throw new Error(parsed.reason);
      return { ...parsed.rule, enabled: rules.includes(line) };
    });
}

describe.each(Object.entries(FORMS))('form %s', (form, read) => {
  it('keeps every entry, or reports the loss', () => {
    let kept = 0;
    fc.assert(
      fc.property(instances, (entries) => {
        const written = writeEntries(entries, form as Form);
        const back = read(written);
        const leftOut = new Set(written.leftOut.map(({ entry }) => entry));
        const expected = entries.filter(({ name }) => !leftOut.has(name));
        expect(back.map(({ name }) => name).toSorted()).toEqual(expected.map(({ name }) => name).toSorted());
        for (const entry of expected) {
          const found = back.find(({ name }) => name === entry.name) as Entry;
          const lost = written.lost.filter((each) => each.entry === entry.name);
          const losesO = lost.some(({ why }) => why.startsWith('flag O'));
          const flags = losesO ? entry.flags.filter((flag) => flag !== 'O') : entry.flags;
          expect(found.enabled).toBe(entry.enabled);
          expect(equalRules(found, { ...entry, flags })).toBe(true);
          kept++;
        }
        expectOrder(expected, back, written);
      }),
      { numRuns: 500 },
    );
    expect(kept).toBeGreaterThan(300);
  });
});

/** If two entries can match one file, the newer one still wins, or the loss is reported. */
function expectOrder(newestFirst: readonly Entry[], oldestFirst: readonly Entry[], { lost }: Written): void {
  const place = new Map(oldestFirst.map(({ name }, index) => [name, index]));
  newestFirst.forEach((newer, index) => {
    for (const older of newestFirst.slice(index + 1)) {
      if (!overlap(newer.pattern, older.pattern)) continue;
      const isKept = (place.get(newer.name) ?? 0) > (place.get(older.name) ?? 0);
      const isSaid = lost.some(
        ({ entry, why }) => entry === newer.name && placesIn(why).includes(`, ${older.name}, `),
      );
      expect([newer.name, older.name, isKept !== isSaid]).toEqual([newer.name, older.name, true]);
    }
  });
}

const placesIn = (why: string): string =>
  `, ${/^its order before (.*): files are read in name order$/s.exec(why)?.[1] ?? ''}, `;

describe('writeEntries', () => {
  const entry: Entry = {
    name: 'a',
    pattern: { type: 'extension', extension: 'a' },
    interpreter: '/bin/a',
    flags: [],
    enabled: true,
  };

  it('omits entries that no rule can express', () => {
    const bpf = { name: 'b', handler: 'h', interpreters: [], flags: [], enabled: true };
    const strange: Entry = { ...entry, name: 's', extra: ['flag Z'] };
    expect(writeEntries([bpf, strange], 'register')).toEqual({
      files: [{ name: null, text: '' }],
      lost: [],
      leftOut: [
        { entry: 's', why: 'unknown settings: flag Z' },
        { entry: 'b', why: 'a BPF program matches the files, not a rule' },
      ],
    });
  });

  it('writes a disabled entry as a comment, which systemd ignores', () => {
    const { files } = writeEntries([{ ...entry, enabled: false }], 'register');
    expect(files).toEqual([{ name: null, text: '#disabled :a:E::a::/bin/a:\n' }]);
    expect(decodeBinfmtD(encodeText(files[0]?.text ?? '')).rules).toEqual([]);
  });
});
