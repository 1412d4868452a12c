import { describe, expect, it } from 'vitest';
import { conclude } from '../../../src/safety/native-probes.ts';

const missing = { missing: 'mount: permission denied' };
const never = () => false;
const maybe = () => true;

describe('conclude, from an attempt with entries and one without', () => {
  it.each([
    ['the kernel runs it with entries', 'native', missing, true],
    ['an entry matches it, but the kernel runs it too', 'taken', 'native', true],
    ['the interpreter of an entry has no format', 'no format', 'native', true],
    ['no format matches it without entries', 'no format', 'no format', false],
    ['an entry matches it, and no format without entries', 'taken', 'no format', false],
  ] as const)('decides if %s', (_, first, second, finding) => {
    expect(conclude(first, second, maybe)).toBe(finding);
  });

  it('checks the entries if a second instance is impossible', () => {
    expect(conclude('no format', missing, never)).toBe(false);
    expect(conclude('no format', missing, maybe)).toBe(
      'an entry may match its programs; in a namespace without entries: mount: permission denied',
    );
  });

  it.each(['taken', missing] as const)(
    'never checks them after another result of the first attempt',
    (first) => {
      expect(conclude(first, missing, never)).toContain(
        'in a namespace without entries: mount: permission denied',
      );
    },
  );
});
