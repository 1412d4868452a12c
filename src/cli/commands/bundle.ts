import { BinfmtctlError } from '../../errors.ts';
import type { BundleResult } from '../../lockfile/bundle.ts';
import { isStandardOutput } from '../../system/file/output-file.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import { type CommonOptions, namesAndAllError } from '../common-options.ts';
import { archName } from '../output/names.ts';
import { paint, print, table } from '../output/terminal.ts';
import { BUNDLE } from '../table/supply.ts';

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

export const bundleCommand: OwnCommand = { description: BUNDLE, run };

async function run(options: BundleCommandOptions, names: readonly string[]): Promise<number> {
  const all = options.all === true;
  if (names.length === 0 && !all) {
    throw new BinfmtctlError('USAGE', 'bundle needs an architecture or --all', {
      hint: '`binfmtctl catalogue list` shows all architectures',
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
    return [archName(guest), emulator, version ?? '?', own.slice(0, 12)];
  });
  const left = missing.map(({ arch, why }) =>
    paint('dim', `- ${archName(arch)} left out: ${why}`, process.stdout),
  );
  const unchecked = `not checked: ${host} emulators do not start on this machine`;
  const what = `${file}: ${size} bytes for ${host} machines, sha256 ${sha256}`;
  return `${[table([['ARCH', 'EMULATOR', 'VERSION', 'SHA256'], ...rows]), ...left, ...(proved ? [] : [unchecked]), what].join('\n')}\n`;
}
