import { describe, expect, it } from 'vitest';
import { equalRules } from '../../../src/rule/equal.ts';
import type { BpfRule, Rule } from '../../../src/rule/types.ts';

const rule: Rule = {
  name: 'a',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1, 2), mask: null },
  interpreter: '/i',
  flags: ['P', 'O'],
};
const bpf: BpfRule = {
  name: 'b',
  handler: 'h',
  interpreters: [
    { name: 'arm', path: '/arm' },
    { name: 's390x', path: '/s390x' },
  ],
  flags: [],
};

describe('equalRules', () => {
  it.each<[string, Rule]>([
    ['another name', { ...rule, name: 'x' }],
    ['the same flags in another order', { ...rule, flags: ['O', 'P'] }],
    [
      'a mask of all ones',
      { ...rule, pattern: { ...rule.pattern, mask: Uint8Array.of(255, 255) } as Rule['pattern'] },
    ],
  ])('ignores %s', (_, other) => {
    expect(equalRules(rule, other)).toBe(true);
  });

  it('treats C as C with O', () => {
    expect(equalRules({ ...rule, flags: ['C'] }, { ...rule, flags: ['O', 'C'] })).toBe(true);
  });

  it.each<[string, Rule]>([
    ['another interpreter', { ...rule, interpreter: '/x' }],
    ['another flag', { ...rule, flags: ['P'] }],
    ['another pattern', { ...rule, pattern: { type: 'extension', extension: 'a' } }],
  ])('detects %s', (_, other) => {
    expect(equalRules(rule, other)).toBe(false);
  });

  it('ignores the order of the interpreters of BPF handlers', () => {
    expect(equalRules(bpf, { ...bpf, name: 'x', interpreters: bpf.interpreters.toReversed() })).toBe(true);
  });

  it.each<[string, BpfRule]>([
    ['another handler', { ...bpf, handler: 'x' }],
    ['fewer interpreters', { ...bpf, interpreters: bpf.interpreters.slice(1) }],
    ['more interpreters', { ...bpf, interpreters: [...bpf.interpreters, { name: 'm68k', path: '/m68k' }] }],
    ['no interpreters', { ...bpf, interpreters: [] }],
    ['another path', { ...bpf, interpreters: [{ name: 'arm', path: '/x' }, ...bpf.interpreters.slice(1)] }],
    [
      'another bound name',
      { ...bpf, interpreters: [{ name: 'x', path: '/arm' }, ...bpf.interpreters.slice(1)] },
    ],
    [
      'swapped paths',
      {
        ...bpf,
        interpreters: [
          { name: 'arm', path: '/s390x' },
          { name: 's390x', path: '/arm' },
        ],
      },
    ],
  ])('distinguishes BPF handlers with %s', (_, other) => {
    expect(equalRules(bpf, other)).toBe(false);
    expect(equalRules(other, bpf)).toBe(false);
  });

  it('distinguishes a BPF handler from another rule', () => {
    expect(equalRules(bpf, rule)).toBe(false);
    expect(equalRules(rule, bpf)).toBe(false);
  });
});
