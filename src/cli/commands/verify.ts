import { Command } from 'commander';
import type { Check, Proof } from '../../operations/proof.ts';
import type { VerifyReport } from '../../operations/verify-arches.ts';
import { toJson } from '../../plan/json.ts';
import { type CommonOptions, withCommon } from '../common.ts';
import { paint, shortPath, table } from '../terminal.ts';

export function verifyCommand(done: (status: number) => void): Command {
  const command = new Command('verify')
    .summary('prove by running programs')
    .description(
      'Runs a probe of each architecture on the host, in an empty chroot and in a new mount namespace',
    )
    .argument('[arch...]', 'architectures, in any spelling; without: all that have an entry')
    .option('--root <dir>', 'run in this foreign root in place of an empty one');
  return withCommon(command, [
    ['binfmtctl verify', 'everything that is registered'],
    ['binfmtctl verify arm64 linux/arm/v7', 'only these'],
    ['binfmtctl verify arm64 --root /srv/arm64', 'inside a root file system'],
  ]).action(async (arches: string[], options: CommonOptions & { root?: string }) => {
    const { verifyArches, withOperation } = await import('../work.ts');
    const report = await withOperation(options, (context) =>
      verifyArches({ arches, root: options.root }, context),
    );
    process.stdout.write(options.json ? `${toJson(report)}\n` : textOf(report));
    done(report.holds ? 0 : 1);
  });
}

function textOf({ proofs, problems }: VerifyReport): string {
  if (proofs.length === 0) return 'nothing to verify: no architecture has an entry\n';
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
    ...[proof.host, proof.chroot, proof.mountNamespace, proof.argv0, proof.credentials].map(wordOf),
    proof.emulator?.sha256.slice(0, 12) ?? '-',
  ]);
  const lines = problems.map((problem) => paint('red', problem, process.stdout));
  return `${[table([heading, ...rows]), ...lines].join('\n')}\n`;
}

function ranBy({ native, emulator, entry }: Proof): string {
  if (native) return 'this machine';
  return emulator === null ? 'nobody' : `${entry}: ${shortPath(emulator.path)}`;
}

function wordOf({ holds }: Check): string {
  return holds === null ? '-' : holds ? 'yes' : 'NO';
}
