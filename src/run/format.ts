/** Programs that are not ELF: their emulator, or the reason why they cannot run. */

import { patternsOf } from '../catalogue/format-rules.ts';
import type { Catalogue, Format } from '../catalogue/types.ts';
import type { EmulatedFormat } from '../emulation/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { DESCRIBED_SIZE, describeFile, isApe, isDotNet, isScriptText } from '../file-format/program-kind.ts';
import { matches } from '../rule/match.ts';
import { tryReadHead } from '../system/file/head.ts';
import { isExecutable } from '../system/file/is-file.ts';
import type { LocatedProgram } from '../system/process/locate-program.ts';

/** How a file that matches no entry is run. `refusal` is thrown if the kernel refuses the file, too. */
export type FormatRun = EmulatedFormat | { readonly refusal: BinfmtctlError };

/** Finds the emulator of a program that has no known architecture and matches no entry. `name` is the name that the user typed. */
export function findFormat(program: LocatedProgram, name: string, { formats }: Catalogue): FormatRun {
  const head = tryReadHead(program.file, DESCRIBED_SIZE) ?? new Uint8Array();
  const candidates = isApe(head) ? [] : candidatesFor(head, program.path, Object.values(formats));
  const found = candidates.flatMap(({ id, interpreters }) =>
    interpreters.filter(({ path }) => isExecutable(path)).map(({ path }) => ({ format: id, emulator: path })),
  )[0];
  // A script's interpreter is not started through the emulator of its format.
  if (found !== undefined && !isInterpreter(program)) return { ...found, by: 'emulator', entry: null };
  const what = describeFile(head, program.path);
  if (isScriptText(head)) return { format: 'script', by: 'shell', entry: null, emulator: '/bin/sh' };
  return { refusal: refusalOf(program, name, what, candidates) };
}

/** The format of a program that matches an entry; null if the catalogue does not have it. */
export function formatOf({ file, path }: LocatedProgram, { formats }: Catalogue): string | null {
  const head = tryReadHead(file, DESCRIBED_SIZE) ?? new Uint8Array();
  return candidatesFor(head, path, Object.values(formats))[0]?.id ?? null;
}

/** The formats of a file, best one first. .NET needs a separate check: its magic is that of all Windows programs. */
function candidatesFor(head: Uint8Array, path: string, formats: readonly Format[]): readonly Format[] {
  const all = formats.filter((format) =>
    patternsOf(format).some((pattern) => matches(pattern, head.subarray(0, 256), path)),
  );
  const others = all.filter(({ id }) => id !== 'dotnet');
  return isDotNet(head) ? [...all.filter(({ id }) => id === 'dotnet'), ...others] : others;
}

/** Whether the program is the interpreter of a script. */
const isInterpreter = ({ leading }: LocatedProgram): boolean => leading.length > 1;

function refusalOf(
  program: LocatedProgram,
  name: string,
  what: string | null,
  candidates: readonly Format[],
): BinfmtctlError {
  const { file } = program;
  const start = isInterpreter(program)
    ? `cannot execute ${name}: its interpreter ${program.name} is`
    : `cannot execute ${name}:`;
  const [format] = candidates;
  if (format !== undefined && !isInterpreter(program)) {
    const kind = what ?? `a file of format ${format.id}`;
    return refusal(
      `${start} ${kind}; no entry runs it, and no emulator for it is installed`,
      installHint(candidates),
    );
  }
  const hint = /^an? (?:tar|gzip|bzip2|xz|zstd)/.test(what ?? '')
    ? `\`binfmtctl enter ${file}\` enters a root file system in an archive`
    : `inspect it with \`file ${file}\``;
  return refusal(`${start} ${what ?? 'a file of unknown format'}, not an executable`, hint);
}

function installHint(formats: readonly Format[]): string {
  const interpreters = formats.flatMap((format) => format.interpreters);
  const packaged = interpreters.find((each) => each.package !== undefined)?.package;
  const example = packaged === undefined ? interpreters[0]?.path : `Debian's package ${packaged}`;
  return `install an emulator for it, such as ${example}`;
}

const refusal = (message: string, hint: string): BinfmtctlError =>
  new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', message, { hint });
