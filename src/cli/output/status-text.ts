/** What `status` prints for people. */
import { posix } from 'node:path';
import { restartNote } from '../../binfmt/held.ts';
import { displayName } from '../../catalogue/display-name.ts';
import type { Catalogue } from '../../catalogue/types.ts';
import type { StatusLine, StatusResult } from '../../verify/status.ts';
import { withSameOptions } from '../store-options.ts';
import { DONE, FAILED, LIMITED, UNKNOWN } from './symbols.ts';
import { markedRows, paint, type Shown, sentence, visible } from './terminal.ts';

interface StatusTextOptions {
  readonly catalogue: Pick<Catalogue, 'arches'>;
  readonly shown: Shown;
  readonly verbose: boolean;
  readonly now: Date;
}

const SERVES = {
  host: 'this machine',
  namespace: 'this user namespace only',
  outer: 'an outer user namespace, read-only here',
  unknown: 'this machine or user namespace',
} as const;

/** A header sentence, the entries as a table, and notes about what is to be done. */
export function statusText(
  { instance, proofsUnknown, entries, gone, halfDone }: StatusResult,
  options: StatusTextOptions,
): string {
  const { catalogue, shown, verbose } = options;
  const state = instance.enabled === false ? 'mounted but disabled' : 'mounted and enabled';
  const where = verbose ? `, at ${instance.directory}` : '';
  const header = `binfmt_misc is ${state} (${SERVES[instance.scope ?? 'unknown']}${where}). ${count(entries.length)}.`;
  const nameOf = (id: string): string => {
    const arch = catalogue.arches[id];
    return arch === undefined ? id : displayName(arch);
  };
  const notes = [
    ...(entries.length === 0 ? [withSameOptions('`sudo binfmtctl install arm64` registers one')] : []),
    ...(instance.enabled === false
      ? [`no entry takes effect: as root, run \`echo 1 > ${instance.directory}/status\``]
      : []),
    ...(proofsUnknown === null || entries.length === 0
      ? []
      : [`${proofsUnknown}: cannot tell which entries were verified`]),
    ...gone.map(({ arch, rule }) =>
      withSameOptions(
        `${rule.name} was registered by binfmtctl but is gone from the kernel: \`binfmtctl install ${nameOf(arch)}\` registers it again`,
      ),
    ),
    ...entries.flatMap((line) => noteOf(line, nameOf) ?? []),
    ...(halfDone ? ['an earlier run was killed half-way: the next install or uninstall repairs it'] : []),
  ];
  const colour = (text: string): string => paint('yellow', text, shown);
  return [
    ...sentence(header, shown),
    ...(entries.length === 0 ? [] : ['', ...tableOf(entries, nameOf, options)]),
    ...(entries.length > 0 && notes.length > 0 ? [''] : []),
    ...notes.flatMap((note) => sentence(note, shown)).map(colour),
    '',
  ].join('\n');
}

const count = (entries: number): string => (entries === 1 ? '1 entry' : `${entries || 'No'} entries`);

function tableOf(
  entries: readonly StatusLine[],
  nameOf: (id: string) => string,
  { shown, verbose, now }: StatusTextOptions,
): readonly string[] {
  const rows = entries.map((line) => {
    const { entry, arch } = line;
    const [mark, state] = stateOf(line, now);
    const name = arch === null ? '-' : nameOf(arch);
    return [`${mark} ${name}`, emulatorOf(line), entry.name, entry.flags.join('') || '-', state];
  });
  const [heading = '', ...lines] = markedRows(
    [['  ARCH', 'EMULATOR', 'ENTRY', 'FLAGS', 'STATE'], ...rows],
    shown,
  );
  const details = entries.flatMap(({ entry, proof }) => [
    visible(`${entry.name}: ${entry.interpreter}`),
    ...(proof?.sha256 ? [`  sha256 ${proof.sha256}`] : []),
    ...(proof?.limits ?? []).map((limit) => `  ${visible(limit)}`),
  ]);
  return [paint('bold', heading, shown), ...lines, ...(verbose ? ['', ...details] : [])];
}

const emulatorOf = ({ emulator, version, entry }: StatusLine): string =>
  [emulator ?? posix.basename(entry.interpreter), version].filter(Boolean).join(' ');

type State = readonly [mark: string, text: string];

/** Why an entry does not run programs, or what is known of it. */
function stateOf(line: StatusLine, now: Date): State {
  const { entry, arch, shadowedBy, held, proof } = line;
  const isMissing = !entry.flags.includes('F') && !line.interpreterExists;
  if (arch === null) {
    const more = isMissing ? `, ${entry.interpreter} is missing` : entry.enabled ? '' : ', disabled';
    return [isMissing ? FAILED : UNKNOWN, `not an architecture${more}`];
  }
  if (!entry.enabled) return [FAILED, 'disabled'];
  if (shadowedBy !== null) return [LIMITED, `never reached: entry ${shadowedBy} is newer`];
  if (isMissing) return [FAILED, `${entry.interpreter} is missing`];
  // Nothing is wrong with the entry itself: binfmt_misc as a whole is disabled.
  if (line.problem !== null) return [FAILED, 'not in effect'];
  if (held === 'replaced') return [LIMITED, 'restart needed: the emulator was replaced'];
  if (held === 'gone' && line.ours) return [LIMITED, 'restart needed: the emulator was removed'];
  if (proof === null) return [UNKNOWN, 'not verified'];
  if (proof.holds === false) return [FAILED, `fails: ${proof.why}`];
  if (proof.holds === null) return [UNKNOWN, `not checked: ${proof.why}`];
  const [limit] = proof.limits;
  return limit === undefined ? [DONE, `verified ${timeOf(proof.at, now)}`] : [LIMITED, limit];
}

/** The time of day, or on another day the date. */
function timeOf(at: string, now: Date): string {
  const time = new Date(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  if (time.toDateString() === now.toDateString()) return `${two(time.getHours())}:${two(time.getMinutes())}`;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function noteOf(line: StatusLine, nameOf: (id: string) => string): string | null {
  const note = line.arch === null ? null : restartNote({ ...line, arch: nameOf(line.arch) });
  return note === null ? null : withSameOptions(note);
}
