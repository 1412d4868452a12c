import { BinfmtctlError } from '../../errors.ts';
import type { LockFile } from '../../file-format/lock-file.ts';
import { LOCK_FILE } from '../../lockfile/name.ts';
import type { LockResult } from '../../lockfile/update.ts';
import { toJson } from '../../text/json.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { commandLine } from '../../text/shell.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { print, table } from '../output/terminal.ts';
import { LOCK } from '../table/supply.ts';

interface LockCommandOptions extends CommonOptions {
  readonly update?: boolean;
  readonly lockFile: string;
  readonly source: readonly string[];
  readonly allowUnverified?: boolean;
  readonly strict?: boolean;
}

export const lockCommand: OwnCommand = { description: LOCK, run };

async function run(options: LockCommandOptions, names: readonly string[]): Promise<number> {
  const result = options.update ? await update(names, options) : await show(names, options);
  if (options.json) process.stdout.write(`${toJson(result.document)}\n`);
  else print(`${result.text}\n`);
  return 0;
}

async function update(names: readonly string[], options: LockCommandOptions) {
  const { findArches, updateLock, withOperation } = await import('../parts/operations.ts');
  const { lockFile: file, source: sources, allowUnverified, strict = false } = options;
  const document = await withOperation(options, (context) =>
    updateLock(
      { file, arches: findArches(context.catalogue, names), sources, allowUnverified, strict },
      context,
    ),
  );
  return { document, text: textOf(document) };
}

async function show(
  names: readonly string[],
  { lockFile: file, source, allowUnverified, strict }: LockCommandOptions,
) {
  if (names.length > 0 || source.length > 0 || allowUnverified || strict) {
    const which = file === LOCK_FILE ? [] : ['--lock-file', file];
    const updating = ['binfmtctl', 'lock', '--update', ...names, ...which];
    throw new BinfmtctlError('USAGE', 'without --update, lock only shows the file', {
      hint: `\`${commandLine(updating)}\` ${names.length === 0 ? 'updates the whole file' : 'updates or adds them'}`,
    });
  }
  const { readLock } = await import('../parts/operations.ts');
  const { hosts } = (await readLock(file)).lock;
  return { document: { schema: 'binfmtctl/lock/1', file, hosts }, text: tableOf(hosts) };
}

function tableOf(hosts: LockFile['hosts']): string {
  const rows = Object.entries(hosts).flatMap(([host, guests]) =>
    Object.entries(guests).map(([guest, { emulator, version, sha256, source }]) => {
      return [host, guest, emulator, version ?? '?', sha256.slice(0, 12), maskSecrets(source)];
    }),
  );
  return table([['HOST', 'ARCH', 'EMULATOR', 'VERSION', 'SHA256', 'SOURCE'], ...rows]);
}

function textOf({ file, host, changes, unchanged }: LockResult): string {
  const lines = changes.map(({ arch, before, after }) => {
    const now = `${after.emulator} ${after.version ?? '?'} (${after.sha256.slice(0, 12)})`;
    const from = before?.source === after.source ? '' : `, now from ${after.source}`;
    return before === null
      ? `${arch}: ${now} from ${after.source} is new`
      : `${arch}: ${before.emulator} ${before.version ?? '?'} (${before.sha256.slice(0, 12)}) → ${now}${from}`;
  });
  const rest = unchanged.length === 0 ? [] : [`unchanged: ${unchanged.join(', ')}`];
  return [`${file}, for ${host} machines:`, ...lines, ...rest].join('\n');
}
