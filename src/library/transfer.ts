/** `importRules` and `exportRules` of the library. */
import { type ExportResult, exportRules as exportEntries } from '../transfer/export.ts';
import { type ImportResult, type ImportSource, importRules as importFiles } from '../transfer/import.ts';
import { FORMS, type Form } from '../transfer/recognise.ts';
import { assertSelection, namesOf } from './arches.ts';
import { OPERATION_CHECKS, type OperationOptions, withContext } from './context.ts';
import {
  BOOLEAN,
  type OptionCheck,
  type OptionChecks,
  oneOf,
  parseArgument,
  parseOptions,
  TEXT,
  TEXTS,
  toList,
} from './options.ts';

/** Options of `importRules`. */
export interface ImportOptions extends OperationOptions {
  /** Format of the files: `binfmt.d`, `binfmt-support`, `admin`, `register`, `profile` or `instance`. Default: detected, file by file. */
  readonly from?: ImportSource | undefined;
  /** Replace an existing entry that has the same name and another rule. Default: false. */
  readonly replace?: boolean | undefined;
  /** Compute the steps and change nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

const IMPORT_CHECKS: OptionChecks<ImportOptions> = {
  ...OPERATION_CHECKS,
  from: oneOf(...FORMS, 'instance'),
  replace: BOOLEAN,
  dryRun: BOOLEAN,
};

const PATHS: OptionCheck = {
  expected: 'a path, or a non-empty array of paths',
  accepts: (value) => TEXTS.accepts(value) && toList(value).length > 0,
};

/**
 * Registers the rules of files, directories or another binfmt_misc instance: all of them, or none.
 *
 * @param paths Files, directories of files, and mount points of instances.
 * @throws USAGE, BAD_RULE, UNSAFE_RULE, ENTRY_EXISTS, EMULATOR_NOT_FOUND, FILE_FAILED, NO_PRIVILEGE, NO_BINFMT_MISC, INTERRUPTED
 */
export async function importRules(
  paths: string | readonly string[],
  options: ImportOptions = {},
): Promise<ImportResult> {
  const given = parseOptions('importRules', options, IMPORT_CHECKS);
  const request = {
    paths: toList(parseArgument('importRules', 'paths', paths, PATHS)),
    from: given.from ?? null,
    replace: given.replace === true,
    dryRun: given.dryRun === true,
  };
  return withContext('importRules', given, (context) => importFiles(request, context));
}

/** Options of `exportRules`. */
export interface ExportOptions extends OperationOptions {
  /** Export every entry. Default: false. */
  readonly all?: boolean | undefined;
  /** Format to write: `binfmt.d`, `binfmt-support`, `admin`, `register` or `profile`. Default: `binfmt.d`. */
  readonly format?: Form | undefined;
  /** File to write; a directory for formats with one file per entry. Default: none, the texts are in the result. */
  readonly output?: string | undefined;
}

const EXPORT_CHECKS: OptionChecks<ExportOptions> = {
  ...OPERATION_CHECKS,
  all: BOOLEAN,
  format: oneOf(...FORMS),
  output: TEXT,
};

/**
 * Converts entries to the files of other tools. Existing files are never changed.
 *
 * @param names Names of entries, or globs such as `qemu-*`; empty with `all: true`.
 * @throws USAGE, ENTRY_NOT_FOUND, FILE_FAILED, NO_PRIVILEGE, READ_ONLY, NO_BINFMT_MISC, INTERRUPTED
 */
export async function exportRules(
  names: string | readonly string[],
  options: ExportOptions = {},
): Promise<ExportResult> {
  const given = parseOptions('exportRules', options, EXPORT_CHECKS);
  const request = {
    names: namesOf('exportRules', 'names', names),
    all: given.all === true,
    form: given.format ?? 'binfmt.d',
    output: given.output ?? null,
  };
  assertSelection('exportRules', request);
  return withContext('exportRules', given, (context) => exportEntries(request, context));
}
