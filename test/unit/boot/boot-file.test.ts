import { describe, expect, it } from 'vitest';
import { bootFilePath, bootFormatOf, persistedText, ruleInBootFile } from '../../../src/boot/boot-file.ts';
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

  it('contains the rule that was written', () => {
    expect(ruleInBootFile(path, rule.name, text)).toEqual(rule);
    expect(persistedText(path, ruleInBootFile(path, rule.name, text) ?? rule)).toBe(text);
  });

  it('belongs only to the entry of its name', () => {
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

describe('a boot file of binfmt.d that registers its rule after other files', () => {
  it.each([
    [[], 'box64.conf'],
    [['arm.conf'], 'box64.conf'],
    [['qemu-x86_64.conf'], 'zz-box64.conf'],
    [['box64.conf.conf', 'zz-qemu-x86_64.conf', 'a.conf'], 'zzz-box64.conf'],
    [['zzzz.conf'], 'zzzzz-box64.conf'],
    // No name sorts after it.
    [['~.conf'], 'box64.conf'],
  ])('has a name that sorts after %j', (others, name) => {
    const path = bootFilePath('binfmt.d', 'box64', others);
    expect(path).toBe(`/etc/binfmt.d/${name}`);
    expect([bootFormatOf(path, 'box64'), bootFormatOf(path, 'ox64')]).toEqual(['binfmt.d', null]);
  });

  it('does not belong to an entry with a similar name', () => {
    expect(bootFormatOf('/etc/binfmt.d/zz-box64.conf', 'zz-box64')).toBe('binfmt.d');
    expect(bootFormatOf('/etc/binfmt.d/z-box64.conf', 'box64')).toBeNull();
    expect(bootFormatOf('/var/lib/binfmts/zz-box64', 'box64')).toBeNull();
  });
});
