import { FORMS } from '../../transfer/recognise.ts';
import type { CommandDescription } from '../grammar/types.ts';
import { DRY_RUN } from './options.ts';

export const IMPORT: CommandDescription = {
  name: 'import',
  summary: 'register the rules of files or of another instance',
  description:
    'Registers the rules of files in any form, of all files in a directory, or of another mounted instance: all of them or none.',
  words: [['PATH...', 'files, directories of files, or mounted binfmt_misc instances', 'existing']],
  options: [
    [
      '--from FORM',
      'the form of the files; default: detected for each file',
      { choices: [...FORMS, 'instance'] },
    ],
    ['--replace', 'replace an existing entry that has the same name and another rule'],
    DRY_RUN,
  ],
  examples: [
    ['binfmtctl import /usr/share/binfmts', 'format files of binfmt-support'],
    ['binfmtctl import /usr/lib/binfmt.d/qemu-aarch64-static.conf', 'a file of binfmt.d'],
    ['binfmtctl import --from register rules.txt', 'register strings, one per line'],
  ],
};

export const EXPORT: CommandDescription = {
  name: 'export',
  summary: 'write entries of the kernel in another form',
  description:
    'Writes entries, whichever program created them, in a form that other tools read, and reports what that form cannot express.',
  words: [['[ENTRY...]', 'names of entries, or globs of names such as `qemu-*`']],
  options: [
    ['--all', 'every entry'],
    ['--format FORM', 'the form to write', { choices: FORMS, default: 'binfmt.d' }],
    [
      '--output PATH',
      'a file; for binfmt-support, admin and profile a directory, which gets one file per entry',
      { path: 'new file' },
    ],
  ],
  examples: [
    ['binfmtctl export --all > entries.conf', 'everything, for `binfmtctl import` or binfmt.d'],
    ['binfmtctl export qemu-arm --format binfmt-support', 'one format file'],
    ["binfmtctl export 'qemu-*' --format admin --output /var/lib/binfmts", 'for update-binfmts'],
  ],
};
