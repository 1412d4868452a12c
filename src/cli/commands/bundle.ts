import { BinfmtctlError } from '../../errors.ts';
import type { BundleResult } from '../../lockfile/bundle.ts';
import { LOCK_FILE } from '../../lockfile/name.ts';
import { isStandardOutput } from '../../system/file/output-file.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import { ALLOW_UNVERIFIED, COMMON_OPTIONS, type CommonOptions, namesAndAllError } from '../common-options.ts';
import { paint, print, table } from '../output/terminal.ts';

interface BundleCommandOptions extends CommonOptions {
  readonly output: string;
  readonly all?: boolean;
  readonly host?: string;
  readonly source: readonly string[];
  readonly allowUnverified?: boolean;
  readonly emulator?: string;
  readonly locked?: string;
  readonly strict?: boolean;
  readonly force?: boolean;
}

export const bundleCommand: OwnCommand = {
  description: {
    name: 'bundle',
    summary: 'put emulators into one file, for machines without network',
    description:
      'Puts emulators into one tar file with a manifest, which `install --source bundle:FILE` takes; the same emulators make the same file',
    words: [['[arch...]', 'architectures that they run, in any spelling']],
    options: [
      [
        '-o, --output <file>',
        'the file to write: FILE.tar, or a pipe such as /dev/stdout',
        { required: true },
      ],
      ['--force', 'replace FILE even if it is no bundle'],
      ['--all', 'every architecture that an emulator is found for'],
      ['--host <arch>', 'for machines of another architecture than this one; needs --source or --locked'],
      ['--source <spec>', 'where they come from, as for install (repeatable)', { repeatable: true }],
      ALLOW_UNVERIFIED,
      ['--emulator <name>', 'only this emulator: qemu, box64, box32, box86, fex, rosetta'],
      [
        '--locked [=file]',
        'exactly the emulators of that lock file (default: binfmtctl.lock), or refuse',
        { bare: LOCK_FILE },
      ],
      ['--strict', 'refuse emulators of a version that is known to be bad'],
      ...COMMON_OPTIONS,
    ],
    examples: [
      ['binfmtctl bundle -o emulators.tar arm64 riscv64', 'two, for machines like this one'],
      ['binfmtctl bundle -o emulators.tar --all --locked', 'all that binfmtctl.lock has'],
      ['binfmtctl bundle -o arm.tar amd64 --host arm64 --source dir:./arm', 'for arm64 machines'],
    ],
  },
  run,
};

async function run(options: BundleCommandOptions, names: readonly string[]): Promise<number> {
  const all = options.all === true;
  if (names.length === 0 && !all) {
    throw new BinfmtctlError('USAGE', 'bundle needs an architecture or --all', {
      hint: '`binfmtctl catalogue list` shows them',
    });
  }
  if (names.length > 0 && all) throw namesAndAllError('bundle', 'architectures');
  const { bundle, findArch, findArches, withOperation } = await import('../parts/operations.ts');
  const { output, host, source: sources, allowUnverified, emulator, locked, strict = false, force } = options;
  const result = await withOperation(options, (context) => {
    const { catalogue } = context;
    const arches = findArches(catalogue, names);
    const on = host === undefined ? null : findArch(catalogue, host);
    return bundle(
      { output, force, arches, all, host: on, sources, allowUnverified, emulator, locked, strict },
      context,
    );
  });
  const stream = isStandardOutput(output) ? process.stderr : process.stdout;
  if (options.json) stream.write(`${toJson(result)}\n`);
  else print(textOf(result), stream);
  return 0;
}

function textOf({ file, sha256, size, host, emulators, proved, missing }: BundleResult): string {
  const rows = emulators.map(({ guest, emulator, version, sha256: own }) => {
    return [guest, emulator, version ?? '?', own.slice(0, 12)];
  });
  const left = missing.map(({ arch, why }) => paint('dim', `- ${arch} left out: ${why}`, process.stdout));
  const unchecked = `not checked: ${host} emulators do not start on this machine`;
  const what = `${file}: ${size} bytes for ${host} machines, sha256 ${sha256}`;
  return `${[table([['ARCH', 'EMULATOR', 'VERSION', 'SHA256'], ...rows]), ...left, ...(proved ? [] : [unchecked]), what].join('\n')}\n`;
}
