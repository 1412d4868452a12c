import { Command } from 'commander';
import { BinfmtctlError } from '../../errors.ts';
import { toJson } from '../../text/json.ts';
import { type CommonOptions, withCommon } from '../common-options.ts';
import { openContext } from '../context.ts';
import { onOneLine, print, table } from '../output/terminal.ts';

export function catalogueCommand(done: (status: number) => void): Command {
  const catalogue = new Command('catalogue')
    .summary('architectures, formats and emulators that are known')
    .description('The profiles of architectures, formats and emulators: those built in and your own');
  catalogue.addCommand(
    withCommon(new Command('list').description('every profile on a line'), [
      ['binfmtctl catalogue list', 'all that is built in'],
      ['binfmtctl catalogue list --catalogue ./profiles', 'with profiles of your own'],
    ]).action(async (options: CommonOptions) => {
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
      done(0);
    }),
  );
  catalogue.addCommand(
    withCommon(
      new Command('show')
        .description('one profile, whole')
        .argument('<name>', 'id, or any spelling of an architecture'),
      [
        ['binfmtctl catalogue show arm64', 'an architecture: magic, mask and why, every alias'],
        ['binfmtctl catalogue show qemu', 'an emulator: where distributions keep it, bad versions'],
      ],
    ).action(async (name: string, options: CommonOptions) => {
      const { findProfile, yamlOf } = await import('../parts/operations.ts');
      const profile = findProfile((await openContext(options)).catalogue, name);
      process.stdout.write(
        options.json ? `${toJson({ schema: 'binfmtctl/profile/1', profile })}\n` : await yamlOf(profile),
      );
      done(0);
    }),
  );
  catalogue.addCommand(
    withCommon(
      new Command('lint')
        .description('checks profiles, and names every problem with file and line')
        .argument('[dir...]', 'folders of profiles; without: those built in'),
      [
        ['binfmtctl catalogue lint', 'the profiles that come with binfmtctl'],
        ['binfmtctl catalogue lint ./profiles', 'profiles of your own'],
      ],
    ).action(async (directories: string[], options: CommonOptions) => {
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
      done(0);
    }),
  );
  return catalogue;
}
