import { describe, expect, it } from 'vitest';
import { chooseWithheld } from '../../../../src/enter/script/capabilities.ts';

const ALL = (1n << 41n) - 1n;
const without = (...numbers: readonly number[]): bigint =>
  numbers.reduce((set, number) => set & ~(1n << BigInt(number)), ALL);

describe('the capability that a program inside lacks', () => {
  it('is sys_ptrace, if process 1 has it', () => {
    expect(chooseWithheld(ALL)).toBe('sys_ptrace');
  });

  it('is another one that process 1 has, as in a container or a nested session', () => {
    expect(chooseWithheld(without(19))).toBe('sys_module');
    expect(chooseWithheld(without(19, 16))).toBe('sys_rawio');
    // Docker's default set plus CAP_SYS_ADMIN.
    expect(chooseWithheld(0xa80425fbn | (1n << 21n))).toBe('audit_write');
  });

  it('is none, if process 1 has no dispensable one', () => {
    expect(chooseWithheld(1n << 21n)).toBeNull();
  });
});
