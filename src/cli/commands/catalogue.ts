import { BinfmtctlError, EXIT_STATUS } from '../../errors.ts';
import { toJson } from '../../text/json.ts';
import type { Runner } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { onOneLine, print, table } from '../output/terminal.ts';

/** By name in the table. */
export const catalogueCommands: Readonly<Record<string, Runner>> = {
  'catalogue list': list,
  'catalogue show': show,
  'catalogue lint': lint,
};

async function list(options: CommonOptions): Promise<number> {
  const { catalogue: known } = await openContext(options);
  const rows = [
    ...Object.values(known.arches),
    ...Object.values(known.formats),
    ...Object.values(known.emulators),
  ];
  process.stdout.write(
    options.json
      ? `${toJson({ schema: 'binfmtctl/catalogue-list/1', profiles: rows.map(({ kind, id, summary }) => ({ kind, id, summary })) })}\n`
      : `${table([['KIND', 'ID', 'SUMMARY'], ...rows.map(({ kind, id, summary }) => [kind, id, summary])])}\n`,
  );
  return 0;
}

async function show(options: CommonOptions, [name = '']: readonly string[]): Promise<number> {
  const { findProfile, yamlOf } = await import('../parts/operations.ts');
  const profile = findProfile((await openContext(options)).catalogue, name);
  process.stdout.write(
    options.json ? `${toJson({ schema: 'binfmtctl/profile/1', profile })}\n` : await yamlOf(profile),
  );
  return 0;
}

async function lint(options: CommonOptions, directories: readonly string[]): Promise<number> {
  const { lintDirectories } = await import('../parts/operations.ts');
  const problems = await lintDirectories([...directories, ...options.catalogue]);
  if (options.json) {
    process.stdout.write(`${toJson({ schema: 'binfmtctl/lint/1', problems })}\n`);
    return problems.length === 0 ? 0 : EXIT_STATUS.BAD_PROFILE;
  }
  for (const { file, line, message } of problems)
    print(`${onOneLine(`${file}:${line}: ${message}`)}\n`, process.stderr);
  if (problems.length > 0) {
    throw new BinfmtctlError(
      'BAD_PROFILE',
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the catalogue`,
    );
  }
  process.stdout.write('no problems\n');
  return 0;
}
