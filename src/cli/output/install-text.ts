/** What `install` prints for people. */

import { flushNotes } from '../../install/boot/choose-persistence.ts';
import type { InstallResult } from '../../install/install.ts';
import type { InstalledEmulator } from '../../install/installed-emulators.ts';
import { NO_CREDENTIALS_NOTE } from '../../install/notes.ts';
import type { Proof } from '../../probe/verdict.ts';
import { describe } from '../../state/steps.ts';
import { isOurImage } from '../../system/host.ts';
import { archName } from './names.ts';
import { DONE, FAILED, LIMITED, UNKNOWN } from './symbols.ts';
import { markedRows, paint, type Shown, sentence, visible } from './terminal.ts';

interface InstallTextOptions {
  readonly shown: Shown;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** How long the command has taken. */
  readonly seconds: number;
  /** The command that makes it last. */
  readonly persistCommand: string;
}

/** A line per architecture, then where and how long they work. */
export function installText(result: InstallResult, options: InstallTextOptions): string {
  const { shown, verbose, quiet } = options;
  const lines = result.dryRun
    ? plannedLines(result)
    : [
        ...markedRows(
          result.emulators.map((each) => rowOf(each, result)),
          shown,
        ),
        ...(verbose ? detailsOf(result) : []),
      ];
  const dim = (text: string): string => paint('dim', text, shown);
  const left = result.missing.map(({ arch, why }) => `- ${archName(arch)} left out: ${why}`);
  const hidden = verbose ? [] : [NO_CREDENTIALS_NOTE, ...flushNotes()];
  const notes = result.notes.filter((note) => !hidden.includes(note)).map((note) => `note: ${note}`);
  const said = [...left, ...(quiet ? [] : notes)].flatMap((each) => sentence(each, shown)).map(dim);
  return [...lines, ...(quiet ? [] : endOf(result, options)), ...said, ''].join('\n');
}

function plannedLines({ toFetch, steps }: InstallResult): readonly string[] {
  return [
    ...toFetch.map((arch) => `would fetch an emulator for ${archName(arch)}, register and verify it`),
    ...steps.map((step) => `would ${visible(describe(step))}`),
  ];
}

function rowOf(each: InstalledEmulator, { unchanged, proofs }: InstallResult): readonly string[] {
  const { arch, entry } = each;
  const proof = proofs.find((one) => one.arch === arch);
  const name = archName(arch);
  if (unchanged.includes(arch)) {
    const [mark, notes] = [markOf(proof), notesOf(proof)];
    return [`${mark} ${name}`, [`already works: ${emulatorOf(each)}, entry ${entry}`, ...notes].join('; ')];
  }
  const what = proof?.verdict.outcome === 'works' ? 'registered and verified' : 'registered';
  const unverified = proof === undefined ? [', not verified'] : [];
  const state = [`${what}${unverified.join('')}`, ...notesOf(proof)].join('; ');
  return [`${markOf(proof)} ${name}`, `${emulatorOf(each)} (${originOf(each)})`, state];
}

function markOf(proof: Proof | undefined): string {
  if (proof === undefined || proof.verdict.outcome === 'unchecked') return UNKNOWN;
  if (proof.verdict.outcome === 'fails') return FAILED;
  return proof.verdict.limits.length > 0 ? LIMITED : DONE;
}

/** What was not seen to work, and what does not have to. */
function notesOf(proof: Proof | undefined): readonly string[] {
  if (proof === undefined) return [];
  const { verdict, unidentified } = proof;
  return [
    ...verdict.reasons.map((each) => (verdict.outcome === 'unchecked' ? `not checked ${each}` : each)),
    ...verdict.limits,
    ...(unidentified === undefined ? [] : [`the emulator's path is unknown: ${unidentified}`]),
  ];
}

const emulatorOf = ({ emulator, version }: InstalledEmulator): string =>
  [emulator ?? 'an unknown emulator', version].filter(Boolean).join(' ');

/** Where the emulator comes from, without paths. */
function originOf({ origin, source, release }: InstalledEmulator): string {
  if (origin === 'store') return 'store';
  if (source !== null) return [source.split(':')[0], release].filter(Boolean).join(', ');
  return 'this machine';
}

const HERE = {
  host: ['on this machine', ' and in its containers'],
  namespace: ['in this user namespace only', ''],
  container: ['in this container only', ''],
  outer: ['in an outer user namespace', ''],
  unknown: ['here', ' and in containers'],
} as const;

/** Where and until when it works, and how to keep it. */
function endOf(
  result: InstallResult,
  { shown, seconds, persistCommand }: InstallTextOptions,
): readonly string[] {
  const { duration, proofs, emulators, unchanged, scope } = result;
  if (duration === null) return [];
  const changed = emulators.filter(({ arch }) => !unchanged.includes(arch));
  const isVerified = proofs.length > 0;
  const servesContainers = changed.every(({ arch }) => {
    const proof = proofs.find((one) => one.arch === arch);
    return proof?.chroot.holds === true && proof.mountNamespace.holds === true;
  });
  const [here, containers] = HERE[scope === 'namespace' && isOurImage() ? 'container' : (scope ?? 'unknown')];
  const where = servesContainers ? `${here}${containers}` : here;
  const until = {
    always: 'also after a reboot',
    reboot: 'until the next reboot',
    restart: 'until the next reboot or restart of systemd-binfmt',
    namespace: null,
    unknown: null,
  }[duration.lasts];
  const time = `${isVerified ? 'Ready' : 'Registered'} in ${seconds.toFixed(1)} s`;
  return [
    ...sentence(`${[time, where, until].filter(Boolean).join(', ')}.`, shown),
    ...(duration.canPersist ? [`To keep it: ${visible(persistCommand)}`] : []),
  ];
}

/** Paths and digests. The steps were printed as progress. */
function detailsOf({ emulators, proofs }: InstallResult): readonly string[] {
  return emulators
    .flatMap(({ arch, entry, path, sha256, source, release }) => {
      const flags = proofs.find((one) => one.arch === arch)?.flags;
      return [
        `${archName(arch)}:`,
        `  entry ${entry}${flags ? `, flags ${flags.join('') || 'none'}` : ''}`,
        ...(path === null ? [] : [`  emulator ${path}`]),
        ...(sha256 === null ? [] : [`  sha256 ${sha256}`]),
        ...(source === null ? [] : [`  source ${source}${release === null ? '' : `, release ${release}`}`]),
      ];
    })
    .map(visible);
}
