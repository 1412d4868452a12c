/** Random rules that the kernel can take. */
import fc from 'fast-check';
import { normaliseFlags } from '../../../src/rule/flags.ts';
import { decodeText } from '../../../src/rule/text.ts';
import type { ExtensionPattern, MagicPattern, Rule } from '../../../src/rule/types.ts';

export const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Any text without NUL, also of bytes that are no UTF-8. */
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
