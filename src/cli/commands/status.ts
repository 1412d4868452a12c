import { restartNote } from '../../binfmt/held.ts';
import { toJson } from '../../text/json.ts';
import type { StatusLine, StatusResult } from '../../verify/status.ts';
import { status } from '../../verify/status.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { standardOutput, writeOutput } from '../output/streams.ts';
import { paint, type Shown, shortPath, table } from '../output/terminal.ts';
import { withSameOptions } from '../store-options.ts';
import { STATUS } from '../table/status.ts';

export const statusCommand: OwnCommand = { description: STATUS, run };

async function run(options: CommonOptions): Promise<number> {
  const result = await status(await openContext(options));
  return writeOutput(options.json ? `${toJson(result)}\n` : textOf(result, standardOutput()));
}

const SERVES = {
  host: 'the whole machine',
  namespace: 'this user namespace only: its entries go with it, and the host does not see them',
  outer: 'of an outer user namespace: it cannot be changed from here',
  unknown: 'the machine or this user namespace',
} as const;

function textOf({ instance, proofsUnknown, entries, gone, halfDone }: StatusResult, shown: Shown): string {
  const rows = entries.map((line) => [
    line.arch ?? '-',
    line.emulator ?? '-',
    line.version ?? '-',
    `${line.entry.name}${line.entry.enabled ? '' : ' (disabled)'}`,
    line.entry.flags.join('') || '-',
    shortPath(line.entry.interpreter),
    proofOf(line),
  ]);
  const heading = ['ARCH', 'EMULATOR', 'VERSION', 'ENTRY', 'FLAGS', 'INTERPRETER', 'PROOF'];
  const notes = [
    ...(instance.enabled !== false
      ? []
      : [`binfmt_misc is switched off: no entry works (as root: \`echo 1 > ${instance.directory}/status\`)`]),
    ...(proofsUnknown === null || entries.length === 0
      ? []
      : [`${proofsUnknown}: whether an entry was proved cannot be told`]),
    ...gone.map(({ arch, rule }) =>
      withSameOptions(
        `${rule.name} was registered by binfmtctl but is gone from the kernel: \`binfmtctl install ${arch}\` brings it back`,
      ),
    ),
    ...entries.flatMap((line) => restartNoteOf(line) ?? []),
    ...(halfDone ? ['an earlier run was killed half-way: the next install or uninstall repairs it'] : []),
  ];
  return [
    `instance: ${instance.directory}, ${SERVES[instance.scope ?? 'unknown']}`,
    entries.length === 0
      ? 'no entries: `binfmtctl install arm64` makes one'
      : table([heading, ...rows], shown),
    ...notes.map((note) => paint('yellow', note, shown)),
    '',
  ].join('\n');
}

function restartNoteOf(line: StatusLine): string | null {
  const note = line.arch === null ? null : restartNote({ ...line, arch: line.arch });
  return note === null ? null : withSameOptions(note);
}

function proofOf({ proof, problem }: StatusLine): string {
  if (problem !== null) return problem;
  if (proof === null) return 'not proved';
  const { holds, why, limits, at } = proof;
  if (holds === false) return `fails: ${why}`;
  if (holds === null) return `not checked: ${why}`;
  return [`proved ${at.slice(0, 16).replace('T', ' ')}`, ...limits].join('; ');
}
