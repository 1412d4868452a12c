import { BinfmtctlError } from '../errors.ts';
import type { Rule } from '../rule/types.ts';

/**
 * Text of binfmt-support's admin file for a rule: ten lines, package `:` for a local one (update-binfmts 2.2.2
 * reads and writes it under /var/lib/binfmts; `update-binfmts --enable` registers it at boot).
 *
 * It has no key for flag O, which the kernel adds with C alone: a rule with O but not C comes back without it.
 *
 * @throws BAD_RULE where a value has a newline or ends in white space, which a line of the file cannot hold.
 */
export function encodeAdminFile(rule: Rule): string {
  const { pattern, flags } = rule;
  const yesNo = (flag: (typeof flags)[number]): string => (flags.includes(flag) ? 'yes' : 'no');
  const match =
    pattern.type === 'magic'
      ? ['magic', String(pattern.offset), escaped(pattern.magic), pattern.mask ? escaped(pattern.mask) : '']
      : ['extension', '0', pattern.extension, ''];
  const lines = [':', ...match, rule.interpreter, '', yesNo('C'), yesNo('P'), yesNo('F')];
  if (lines.some((line) => /\n|\s$/.test(line))) {
    throw new BinfmtctlError('BAD_RULE', `rule ${rule.name} cannot be written for binfmt-support`, {
      hint: 'its interpreter or extension has a newline or ends in white space: choose another path',
    });
  }
  return `${lines.join('\n')}\n`;
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
