import { BinfmtctlError } from '../errors.ts';
import { formatRegister } from '../rule/register.ts';
import { decodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';

/**
 * Text of a `binfmt.d` file with one rule, as binfmt.d(5) reads it: a comment that names the writer, then the
 * register string on a line of its own.
 *
 * @throws BAD_RULE where the rule cannot stand on such a line: systemd splits at newline, carriage return and NUL,
 * strips white space at both ends and takes `#` and `;` at the start for a comment (src/binfmt/binfmt.c apply_file()).
 */
export function encodeBinfmtD(rule: Rule): string {
  const line = decodeText(formatRegister(rule));
  if (/[\r\n\0]|^[#;\s]|\s$/.test(line)) {
    throw new BinfmtctlError('BAD_RULE', `rule ${rule.name} cannot be written to a binfmt.d file`, {
      hint: 'its name or interpreter has a character that such a file cannot hold: choose another path',
    });
  }
  return `# Written by binfmtctl; \`binfmtctl uninstall ${rule.name}\` takes it back.\n${line}\n`;
}

/** Name of the file for a rule: the name as it is, so that it hides a distribution's file of the same name. */
export function binfmtDFileName(rule: Rule): string {
  return `${rule.name}.conf`;
}
