import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBinding } from '../../../src/rule/bpf-entry.ts';
import { formatEntry, parseAnyEntry, parseEntry } from '../../../src/rule/entry.ts';
import { encodeText } from '../../../src/rule/text.ts';
import type { BpfEntry, Entry } from '../../../src/rule/types.ts';
import { REGISTER_CASES } from '../../register-cases.ts';
import { bpfRule, rule73 as rule } from './arbitraries.ts';

const parse = (text: string) => parseEntry('t', encodeText(text));
const ENTRY = 'enabled\ninterpreter /i\nflags: OCF\noffset 2\nmagic 4142\nmask ff00\n';

describe('entries', () => {
  it('round-trip', () => {
    const anyEntry = fc.tuple(rule, fc.boolean()).map(([rule, enabled]): Entry => ({ ...rule, enabled }));
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(parseEntry(entry.name, formatEntry(entry))).toEqual(entry);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(REGISTER_CASES.filter(({ errno }) => errno === null))(
    'are formatted as by the kernel: $note',
    (one) => {
      expect(formatEntry(parseEntry(one.entryName, one.entryFile))).toEqual(one.entryFile);
    },
  );

  it('have a magic', () => {
    expect(parse(ENTRY)).toEqual({
      name: 't',
      enabled: true,
      interpreter: '/i',
      flags: ['O', 'C', 'F'],
      pattern: { type: 'magic', offset: 2, magic: Uint8Array.of(0x41, 0x42), mask: Uint8Array.of(0xff, 0) },
    });
  });

  it('can have newlines in the interpreter and in the extension', () => {
    expect(parse('disabled\ninterpreter /a\nflags\nb\nflags: \nextension .x\ny\n')).toMatchObject({
      enabled: false,
      interpreter: '/a\nflags\nb',
      pattern: { extension: 'x\ny' },
    });
  });

  it('keep flag letters and lines of later kernels', () => {
    const later = parse(`${ENTRY.replace('OCF', 'OFTX')}colour blue\n`);
    expect(later).toMatchObject({ flags: ['O', 'F', 'T'], extra: ['X', 'colour blue'] });
  });

  it.each([
    ['nothing', ''],
    ['a truncated text', ENTRY.slice(0, -1)],
    ['a text that stops after the flags', 'enabled\ninterpreter /i\nflags: P\n'],
    ['another status', ENTRY.replace('enabled', 'asleep')],
    ['no interpreter line', 'enabled\nflags: \noffset 0\nmagic 41\n'],
    ['a BPF handler of Linux 7.3', 'enabled\nbpf handler\nbpf-interpreter a /a\nflags: \n'],
    ['two lines of flags', ENTRY.replace('/i', '/i\nflags: P')],
    ['an odd number of digits', ENTRY.replace('4142', '414')],
    ['no magic', ENTRY.replace('4142', '')],
    ['a mask shorter than the magic', ENTRY.replace('ff00', 'ff')],
    ['an offset that is not a number', ENTRY.replace('offset 2', 'offset two')],
    ['an empty extension', 'enabled\ninterpreter /i\nflags: \nextension .\n'],
  ])('are refused with %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'BAD_ENTRY' }));
  });

  it('only throw BAD_ENTRY', () => {
    const mutated = fc.tuple(rule, fc.nat(), fc.uint8Array({ maxLength: 4 })).map(([rule, at, bytes]) => {
      const text = [...formatEntry({ ...rule, enabled: true })];
      text.splice(at % text.length, bytes.length, ...bytes);
      return Uint8Array.from(text);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        try {
          expect(parseEntry('t', bytes)).toHaveProperty('pattern');
        } catch (error) {
          expect(error).toHaveProperty('code', 'BAD_ENTRY');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('entries of BPF handlers', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(bpfRule, fc.boolean(), (rule, enabled) => {
        const entry = { ...rule, enabled };
        expect(parseAnyEntry(rule.name, formatBpfEntry(entry))).toEqual(entry);
      }),
    );
  });

  it('are parsed as printed by Linux 7.3', () => {
    const text = 'disabled\nbpf my handler\nbpf-interpreter arm /a b\nbpf-interpreter x86 /x\n86\nflags: \n';
    expect(parseAnyEntry('b', encodeText(text))).toEqual({
      name: 'b',
      enabled: false,
      handler: 'my handler',
      interpreters: [
        { name: 'arm', path: '/a b' },
        { name: 'x86', path: '/x\n86' },
      ],
      flags: [],
    });
  });

  it.each([
    ['flags', 'enabled\nbpf h\nflags: F\n'],
    ['an interpreter without a path', 'enabled\nbpf h\nbpf-interpreter a\nflags: \n'],
    ['one name twice', 'enabled\nbpf h\nbpf-interpreter a /a\nbpf-interpreter a /b\nflags: \n'],
    ['the end missing', 'enabled\nbpf h\n'],
  ])('are refused with %s', (_, text) => {
    expect(() => parseAnyEntry('b', encodeText(text))).toThrow(
      expect.objectContaining({ code: 'BAD_ENTRY' }),
    );
  });

  it.each([
    [{ name: '', path: '/a' }],
    [{ name: 'a b', path: '/a' }],
    [{ name: 'a'.repeat(33), path: '/a' }],
    [{ name: 'a', path: 'a' }],
    [{ name: 'a', path: '/a\0' }],
  ])('cannot bind %j', (bound) => {
    expect(() => formatBinding(bound)).toThrow(expect.objectContaining({ code: 'BAD_RULE' }));
  });
});

/** Output of bm_entry_show() of Linux 7.3 for a BPF handler. */
function formatBpfEntry({ enabled, handler, interpreters }: BpfEntry): Uint8Array {
  const bound = interpreters.map(({ name, path }) => `bpf-interpreter ${name} ${path}\n`);
  return encodeText(
    [enabled ? 'enabled\n' : 'disabled\n', `bpf ${handler}\n`, ...bound, 'flags: \n'].join(''),
  );
}
