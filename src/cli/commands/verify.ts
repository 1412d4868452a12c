import { type Check, expectationOf, type Proof } from '../../probe/verdict.ts';
import { toJson } from '../../text/json.ts';
import { type VerifyReport, verifyArches } from '../../verify/verify-arches.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { withOperation } from '../operation.ts';
import { paint, shortPath, table } from '../output/terminal.ts';
import { withSameOptions } from '../store-options.ts';
import { VERIFY } from '../table/verify.ts';

interface VerifyOptions extends CommonOptions {
  readonly root?: string;
}

export const verifyCommand: OwnCommand = { description: VERIFY, run };

async function run(options: VerifyOptions, arches: readonly string[]): Promise<number> {
  const { root } = options;
  const report = await withOperation(options, (context) => verifyArches({ arches, root }, context));
  process.stdout.write(options.json ? `${toJson(report)}\n` : textOf(report, { inRoot: root !== undefined }));
  return EXIT_STATUS[report.outcome];
}

/** What could not be checked is a matter of this machine or user. */
const EXIT_STATUS = { works: 0, fails: 1, unchecked: 3 } as const;

function textOf(
  { instance, proofs, problems, limits, outdated }: VerifyReport,
  { inRoot }: { readonly inRoot: boolean },
): string {
  const unmounted = instance.mounted
    ? []
    : [`binfmt_misc is not mounted at ${instance.directory}: which entries there are cannot be seen`];
  if (proofs.length === 0) {
    const what = instance.mounted
      ? 'no architecture has an entry'
      : 'no program of another architecture runs';
    return `nothing to verify: ${[what, ...unmounted].join('; ')}\n`;
  }
  const heading = [
    'ARCH',
    'RUN BY',
    'VERSION',
    'HOST',
    'CHROOT',
    'NAMESPACE',
    'ARGV0',
    'CREDENTIALS',
    'SHA256',
  ];
  const rows = proofs.map((proof) => [
    proof.arch,
    ranBy(proof),
    proof.emulator?.version ?? '-',
    ...checksOf(proof, { inRoot }),
    proof.emulator?.sha256.slice(0, 12) ?? '-',
  ]);
  const unidentified = proofs.flatMap(({ arch, unidentified }) =>
    unidentified === undefined ? [] : [`${arch}: the emulator is unknown: ${unidentified}`],
  );
  const lines = [
    ...problems.map((problem) => paint('red', problem, process.stdout)),
    ...[...limits, ...outdated.map((note) => withSameOptions(note)), ...unidentified, ...unmounted].map(
      (note) => paint('yellow', note, process.stdout),
    ),
  ];
  return `${[table([heading, ...rows]), ...lines].join('\n')}\n`;
}

function ranBy({ native, emulator, entry, host }: Proof): string {
  if (native) return 'this machine';
  const what = emulator === null ? '?' : shortPath(emulator.path);
  return host.holds === true ? `${entry ?? '?'}: ${what}` : '-';
}

/** `NO` is a promise that is not kept, `no` a limit. */
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
