/** Parses writes to `status` and to entries (fs/binfmt_misc.c parse_command(), bm_entry_add_interp()). */
import { decodeText } from '../../src/rule/text.ts';
import type { BoundInterpreter } from '../../src/rule/types.ts';

export type Command = 'enable' | 'disable' | 'remove' | 'nothing';

const COMMANDS: Readonly<Record<string, Command>> = {
  '': 'nothing',
  '0': 'disable',
  '0\n': 'disable',
  '1': 'enable',
  '1\n': 'enable',
  '-1': 'remove',
  '-1\n': 'remove',
};

/** Null for EINVAL. */
export function parseCommand(bytes: Uint8Array): Command | null {
  const text = decodeText(bytes.subarray(0, 4));
  return Object.hasOwn(COMMANDS, text) ? (COMMANDS[text] ?? null) : null;
}

/** Parses `+NAME PATH` with an optional trailing newline (Linux 7.3); null for EINVAL. */
export function parseBinding(bytes: Uint8Array): BoundInterpreter | null {
  const [, name, path] = /^\+([!-~]{1,32}) (\/[^\0]*)$/s.exec(decodeText(bytes)) ?? [];
  if (name === undefined || path === undefined) return null;
  return { name, path: path.replace(/\n$/, '') };
}
