/** Random rules that the kernel accepts. */
import fc from 'fast-check';
import { conflictOf, FLAGS, normaliseFlags } from '../../../src/rule/flags.ts';
import { decodeText } from '../../../src/rule/text.ts';
import type { BpfRule, ExtensionPattern, MagicPattern, Rule } from '../../../src/rule/types.ts';

export const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Any text without NUL, including invalid UTF-8. */
export const text = (maxLength: number, without = '') => {
  const forbidden = new Set([0, ...Buffer.from(without)]);
  return bytes(1, maxLength)
    .map((array) => decodeText(array.filter((byte) => !forbidden.has(byte))))
    .filter((string) => string !== '');
};

export const fileName = text(255, '/').filter((name) => !['.', '..', 'register', 'status'].includes(name));

export const magicPattern = (maxSize: number, maxEnd: number): fc.Arbitrary<MagicPattern> =>
  bytes(1, maxSize).chain((magic) =>
    fc.record({
      type: fc.constant('magic' as const),
      offset: fc.nat(maxEnd - magic.length),
      magic: fc.constant(magic),
      mask: fc.option(bytes(magic.length, magic.length)),
    }),
  );

export const extensionPattern: fc.Arbitrary<ExtensionPattern> = fc.record({
  type: fc.constant('extension' as const),
  extension: text(20, '/'),
});

export const flags = fc.subarray(['P', 'O', 'C', 'F'] as const).map((some) => normaliseFlags(some));

export const rule: fc.Arbitrary<Rule> = fc.record({
  name: fileName,
  pattern: fc.oneof(magicPattern(60, 256), extensionPattern),
  interpreter: text(200),
  flags,
});

/** Rules that Linux 7.3 accepts. */
export const rule73: fc.Arbitrary<Rule> = fc
  .tuple(rule, fc.subarray([...FLAGS]).map(normaliseFlags))
  .filter(([, flags]) => conflictOf(flags) === null)
  .map(([rule, flags]) => ({ ...rule, flags, interpreter: `/${rule.interpreter}` }));

const word = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
  minLength: 1,
  maxLength: 32,
});

export const bpfRule: fc.Arbitrary<BpfRule> = fc.record({
  name: text(100, '/').filter((name) => !['.', '..', 'register', 'status'].includes(name)),
  handler: text(100, '\n'),
  interpreters: fc.uniqueArray(fc.record({ name: word, path: text(50, '\n').map((path) => `/${path}`) }), {
    selector: ({ name }) => name,
    maxLength: 4,
  }),
  flags: fc.constant([]),
});
