import { BinfmtctlError } from '../../errors.ts';
import { toJson } from '../../text/json.ts';
import type { CommandGroup } from '../command-line.ts';
import { COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { onOneLine, print, table } from '../output/terminal.ts';

export const catalogueCommand: CommandGroup = {
  summary: 'architectures, formats and emulators that are known',
  description: 'The profiles of architectures, formats and emulators: those built in and your own',
  commands: {
    list: {
      description: {
        name: 'catalogue list',
        summary: '',
        description: 'every profile on a line',
        words: [],
        options: COMMON_OPTIONS,
        examples: [
          ['binfmtctl catalogue list', 'all that is built in'],
          ['binfmtctl catalogue list --catalogue ./profiles', 'with profiles of your own'],
        ],
      },
      run: list,
    },
    show: {
      description: {
        name: 'catalogue show',
        summary: '',
        description: 'one profile, whole',
        words: [['<name>', 'id, or any spelling of an architecture']],
        options: COMMON_OPTIONS,
        examples: [
          ['binfmtctl catalogue show arm64', 'an architecture: magic, mask and why, every alias'],
          ['binfmtctl catalogue show qemu', 'an emulator: where distributions keep it, bad versions'],
        ],
      },
      run: show,
    },
    lint: {
      description: {
        name: 'catalogue lint',
        summary: '',
        description: 'checks profiles, and names every problem with file and line',
        words: [['[dir...]', 'folders of profiles; without: those built in']],
        options: COMMON_OPTIONS,
        examples: [
          ['binfmtctl catalogue lint', 'the profiles that come with binfmtctl'],
          ['binfmtctl catalogue lint ./profiles', 'profiles of your own'],
        ],
      },
      run: lint,
    },
  },
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
  if (options.json) process.stdout.write(`${toJson({ schema: 'binfmtctl/lint/1', problems })}\n`);
  for (const { file, line, message } of problems)
    print(`${onOneLine(`${file}:${line}: ${message}`)}\n`, process.stderr);
  if (problems.length > 0) {
    throw new BinfmtctlError(
      'BAD_PROFILE',
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the catalogue`,
      {
        hint: 'each is named above with file and line',
      },
    );
  }
  if (!options.json) process.stdout.write('no problems\n');
  return 0;
}
