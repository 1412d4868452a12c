/** Finds entries and boot files that compete for the programs of an architecture: the kernel tries the newest entry first. */
import { basename } from 'node:path';
import { readAllFiles } from '../../boot/binfmt-d-files.ts';
import type { Arch } from '../../catalogue/types.ts';
import { buildProbe } from '../../elf/probe.ts';
import { decodeBinfmtD } from '../../file-format/binfmt-d.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { matches } from '../../rule/match.ts';
import { parseRegister } from '../../rule/register.ts';
import { encodeText } from '../../rule/text.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import type { DesiredState } from '../plan.ts';

/** The first bytes of a program of the architecture. */
export const archHead = (arch: Arch): Uint8Array => buildProbe(arch.elf, arch.probe).subarray(0, HEAD_SIZE);

/** Names of the entries in `desired` that a newer entry shadows. */
export function findShadowed(
  entries: readonly Entry[],
  desired: readonly DesiredState[],
  archOf: (id: string) => Arch,
): ReadonlySet<string> {
  const shadowed = desired.filter(({ arch, rule }) => {
    const head = archHead(archOf(arch));
    const taking = entries.find(
      (entry) => entry.name === rule.name || (entry.enabled && matchesHead(entry, head)),
    );
    return taking !== undefined && taking.name !== rule.name;
  });
  return new Set(shadowed.map(({ rule }) => rule.name));
}

/** Names of the binfmt.d files that register another entry for programs that begin with `head`. */
export function competingFiles(head: Uint8Array, name: string): readonly string[] {
  const files = readAllFiles().flatMap((file) => ('bytes' in file ? [file] : []));
  const competing = files.filter(({ bytes }) =>
    decodeBinfmtD(bytes).rules.some((line) => {
      const parsed = line.name === name ? null : parseRegister(encodeText(`${line.text}\n`));
      return parsed !== null && 'rule' in parsed && matchesHead(parsed.rule, head);
    }),
  );
  return competing.map((file) => basename(file.name));
}

const matchesHead = ({ pattern }: Pick<Rule, 'pattern'>, head: Uint8Array): boolean =>
  pattern.type === 'magic' && matches(pattern, head, '');
