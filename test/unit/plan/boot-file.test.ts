import { describe, expect, it } from 'vitest';
import { bootFilePath, bootFormatOf, persistedText, ruleInBootFile } from '../../../src/plan/boot-file.ts';
import type { Rule } from '../../../src/rule/types.ts';

const rule: Rule = {
  name: 'qemu-riscv64',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(0x7f, 0x45, 0, 0xff), mask: null },
  interpreter: '/store/ünï/qemu-riscv64',
  flags: ['P', 'F'],
};

describe.each(['binfmt.d', 'binfmt-support'] as const)('a boot file of %s', (how) => {
  const path = bootFilePath(how, rule.name);
  const text = persistedText(path, rule) ?? '';

  it('holds the rule that was written', () => {
    expect(ruleInBootFile(path, rule.name, text)).toEqual(rule);
    expect(persistedText(path, ruleInBootFile(path, rule.name, text) ?? rule)).toBe(text);
  });

  it('belongs to the entry of its name only', () => {
    expect(bootFormatOf(path, rule.name)).toBe(how);
    expect(bootFormatOf(path, 'riscv64')).toBeNull();
    expect(ruleInBootFile(path, 'riscv64', text)).toBeNull();
    expect(persistedText(path, { ...rule, name: 'riscv64' })).toBeNull();
  });

  it.each(['', '# mine\n', '# :qemu-riscv64:M::x::/bin/true:\n'])('may hold no rule: %j', (none) => {
    expect(ruleInBootFile(path, rule.name, none)).toBeNull();
  });
});

it('a file of binfmt.d registers the last rule of a name', () => {
  const line = (interpreter: string): string => `:qemu-riscv64:M::x::${interpreter}:\n`;
  const text = `${line('/first')}${line('/last')}:other:M::y::/other:\n`;
  expect(ruleInBootFile(bootFilePath('binfmt.d', rule.name), rule.name, text)?.interpreter).toBe('/last');
});
