import { join } from 'node:path';
import { binfmtDFileName, encodeBinfmtD } from '../formats/binfmt-d.ts';
import { descriptionOf, encodeAdminFile } from '../formats/binfmt-support.ts';
import {
  type BootFacts,
  type BootFormat,
  decidePersistence,
  isFlushedBySystemd,
  type Persistence,
} from '../plan/persistence.ts';
import { decodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';
import { readBootFacts } from '../system/boot.ts';
import type { Context } from './context.ts';

export type { Persistence } from '../plan/persistence.ts';

/**
 * The format that a service of this machine will read at boot. Warns if `auto` finds no such
 * service.
 *
 * @throws NO_TOOL if nothing reads the format that was asked for; USAGE in our container image.
 */
export function choosePersistence(
  wanted: Persistence,
  { report }: Pick<Context, 'report'>,
  facts: BootFacts = readBootFacts(),
): BootFormat | 'none' {
  const { how, warning } = decidePersistence(wanted, facts);
  if (warning !== null) report({ kind: 'warning', text: warning });
  return how;
}

/** What removes entries that are not persisted, besides a reboot. */
export function flushNotes(facts: BootFacts = readBootFacts()): readonly string[] {
  return isFlushedBySystemd(facts)
    ? ['a reboot or `systemctl restart systemd-binfmt` removes what was registered; --persist keeps it']
    : [];
}

/** The file that registers `rule` at boot; null for `none`. */
export function persistenceFile(
  how: BootFormat | 'none',
  rule: Rule,
): { readonly path: string; readonly text: string } | null {
  if (how === 'none') return null;
  return how === 'binfmt.d'
    ? { path: join('/etc/binfmt.d', binfmtDFileName(rule)), text: encodeBinfmtD(rule) }
    : { path: join('/var/lib/binfmts', rule.name), text: decodeText(encodeAdminFile(descriptionOf(rule))) };
}

/** What `install` writes to a file that makes `rule` last; null where it is none of those. */
export function persistedText(path: string, rule: Rule): string | null {
  const files = (['binfmt.d', 'binfmt-support'] as const).map((how) => persistenceFile(how, rule));
  return files.find((file) => file?.path === path)?.text ?? null;
}
