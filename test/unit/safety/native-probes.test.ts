import { describe, expect, it } from 'vitest';
import { conclude } from '../../../src/safety/native-probes.ts';

const missing = { missing: 'mount: permission denied' };
const never = () => false;
const maybe = () => true;

describe('conclude, from an attempt among the entries and one without entries', () => {
  it.each([
    ['the kernel ran it at once', 'native', missing, true],
    ['the kernel runs what an entry takes', 'taken', 'native', true],
    ['the interpreter of an entry has no format', 'no format', 'native', true],
    ['no format takes it without entries', 'no format', 'no format', false],
    ['an entry takes it, and no format without entries', 'taken', 'no format', false],
  ] as const)('decides if %s', (_, first, second, finding) => {
    expect(conclude(first, second, maybe)).toBe(finding);
  });

  it('asks the entries if a second instance is impossible', () => {
    expect(conclude('no format', missing, never)).toBe(false);
    expect(conclude('no format', missing, maybe)).toBe(
      'an entry may match its programs; in a namespace without entries: mount: permission denied',
    );
  });

  it.each(['taken', missing] as const)('never asks them if the first attempt ended otherwise', (first) => {
    expect(conclude(first, missing, never)).toContain(
      'in a namespace without entries: mount: permission denied',
    );
  });
});
