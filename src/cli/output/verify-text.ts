/** What `verify` prints for people. */
import { type Check, expectationOf, type Proof } from '../../probe/verdict.ts';
import type { VerifyReport } from '../../verify/verify-arches.ts';
import { withSameOptions } from '../store-options.ts';
import { archName, emulatorName } from './names.ts';
import { DONE, FAILED, LIMITED, UNKNOWN } from './symbols.ts';
import { markedRows, paint, type Shown, sentence, table, visible } from './terminal.ts';

interface VerifyTextOptions {
  readonly inRoot: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly seconds: number;
  readonly shown: Shown;
}

/** A line per architecture, notes about what is to be done, and a summary. */
export function verifyText(report: VerifyReport, options: VerifyTextOptions): string {
  const { instance, proofs, outdated } = report;
  const { shown, verbose, quiet } = options;
  const unmounted = instance.mounted
    ? []
    : [`binfmt_misc is not mounted at ${instance.directory}: its entries cannot be seen`];
  if (proofs.length === 0) {
    const what = instance.mounted
      ? 'no architecture has an entry'
      : 'no program of another architecture runs';
    return `${sentence(`nothing to verify: ${[what, ...unmounted].join('; ')}`, shown).join('\n')}\n`;
  }
  const notes = [...outdated.map((note) => withSameOptions(note)), ...unmounted];
  return [
    ...markedRows(proofs.map(rowOf), shown),
    ...(verbose ? detailsOf(proofs, options) : []),
    ...notes.flatMap((note) => sentence(note, shown)).map((line) => paint('yellow', line, shown)),
    ...(quiet ? [] : sentence(summaryOf(proofs, options.seconds), shown)),
    '',
  ].join('\n');
}

function rowOf(proof: Proof): readonly string[] {
  const { arch, native, entry, emulator } = proof;
  const [mark, state] = stateOf(proof);
  const by = native
    ? 'this machine'
    : emulator !== null
      ? emulatorName(emulator, arch)
      : entry === null
        ? '-'
        : `entry ${entry}`;
  return [`${mark} ${archName(arch)}`, by, state];
}

function stateOf(proof: Proof): readonly [mark: string, text: string] {
  const { native, chroot, mountNamespace, unidentified, verdict } = proof;
  const { outcome, reasons, limits } = verdict;
  if (outcome === 'fails') return [FAILED, [...reasons, ...limits].join('; ')];
  if (outcome === 'unchecked') return [UNKNOWN, reasons.map((each) => `not checked ${each}`).join('; ')];
  const servesContainers = chroot.holds === true && mountNamespace.holds === true;
  const where = servesContainers ? ' on the host and in containers' : limits.length > 0 ? '' : ' on the host';
  const works = native ? 'runs without an emulator' : `works${where}`;
  const unknown = unidentified === undefined ? [] : [`the emulator is unknown: ${unidentified}`];
  return [limits.length > 0 ? LIMITED : DONE, [works, ...limits, ...unknown].join('; ')];
}

function summaryOf(proofs: readonly Proof[], seconds: number): string {
  const number = (of: (proof: Proof) => boolean): number => proofs.filter(of).length;
  const works = number(({ verdict }) => verdict.outcome === 'works');
  const limited = number(({ verdict }) => verdict.outcome === 'works' && verdict.limits.length > 0);
  const parts: readonly (readonly [number, string])[] = [
    [works, works === 1 ? 'works' : 'work'],
    [number(({ verdict }) => verdict.outcome === 'fails'), 'failed'],
    [number(({ verdict }) => verdict.outcome === 'unchecked'), 'not checked'],
  ];
  const counts = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const limits = limited === 0 ? '' : ` (${limited} with limits)`;
  const arches = proofs.length === 1 ? '1 architecture' : `${proofs.length} architectures`;
  return `${arches}: ${counts.join(', ')}${limits}, in ${seconds.toFixed(1)} s.`;
}

/** The result of each check of each arch, and the entry that ran it. `NO` is a failure, `no` a documented limit. */
function detailsOf(proofs: readonly Proof[], { inRoot, shown }: VerifyTextOptions): readonly string[] {
  const heading = ['ARCH', 'HOST', 'CHROOT', 'NAMESPACE', 'ARGV0', 'CREDENTIALS', 'ENTRY'];
  const rows = proofs.map((proof) => [
    archName(proof.arch),
    ...checksOf(proof, { inRoot }),
    proof.entry ?? '-',
  ]);
  const emulators = proofs.flatMap(({ arch, emulator }) =>
    emulator === null ? [] : [`${archName(arch)}: ${emulator.path}`, `  sha256 ${emulator.sha256}`],
  );
  return ['', table([heading, ...rows], shown), '', ...emulators.map(visible)];
}

function checksOf(proof: Proof, { inRoot }: { readonly inRoot: boolean }): readonly string[] {
  const { host, chroot, mountNamespace, argv0, credentials, flags, emulator } = proof;
  const promised = expectationOf(flags, emulator);
  const chroots = promised.chroots || inRoot;
  const checks: readonly (readonly [Check, boolean])[] = [
    [host, true],
    [chroot, chroots],
    [mountNamespace, chroots],
    [argv0, promised.argv0],
    [credentials, promised.credentials],
  ];
  return checks.map(([{ holds }, isPromised]) =>
    holds === null ? '-' : holds ? 'yes' : isPromised ? 'NO' : 'no',
  );
}
