/** Reads rules from files and directories in any of the forms. */
import { basename, join } from 'node:path';
import { readEntries } from '../binfmt/entries.ts';
import { runningKernelFeatures } from '../binfmt/features.ts';
import { inspectInstance } from '../binfmt/instance/instance.ts';
import { formatRules } from '../catalogue/format-rules.ts';
import { BinfmtctlError } from '../errors.ts';
import { decodeBinfmtD, type RuleLine, withoutDisabledMark } from '../file-format/binfmt-d.ts';
import {
  type Description,
  decodeAdminFile,
  decodeFormatFile,
  describeFormatFile,
  isFormatKey,
  ruleOfDescription,
} from '../file-format/binfmt-support.ts';
import { readProfile } from '../profiles/read.ts';
import { parseRegister } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import { isBpf, type Rule } from '../rule/types.ts';
import { fileError } from '../system/file/file-error.ts';
import { listFiles } from '../system/file/files.ts';
import { isFile, isFolder } from '../system/file/is-file.ts';
import { readSmall } from '../system/file/read-small.ts';
import { type Form, recogniseForm } from './recognise.ts';

/** The kind of a source of rules: files in one of the forms, or a mounted instance. */
export type ImportSource = Form | 'instance';

/** One item of a source: a rule; an error; or something that cannot become a kernel rule, with the reason. */
export type ImportItem =
  | {
      readonly place: string;
      readonly rule: Rule;
      readonly enabled: boolean;
      /** Parts of the source that have no meaning and are ignored. */
      readonly lost?: string | undefined;
    }
  | { readonly place: string; readonly wrong: string }
  | { readonly place: string; readonly leftOut: string };

/**
 * Reads all items of a file, of a directory's files in the order of their names, or of a mounted instance, oldest entry first.
 * If `source` is null, the form of each file is detected.
 *
 * @throws FILE_FAILED, NO_PRIVILEGE if a path cannot be read; NO_BINFMT_MISC if `source` is `instance` and the path is none.
 */
export async function readItems(path: string, source: ImportSource | null): Promise<readonly ImportItem[]> {
  if (source === 'instance' || inspectInstance(path).mounted) return itemsOfInstance(path);
  const form = source;
  // Everything but a directory is read as a file, and fails there with the reason.
  if (!isFolder(path)) return itemsOfFile(path, form);
  const files = (await listFiles(path, { required: true })).filter(
    (file) => isFile(file) && !basename(file).startsWith('.'),
  );
  return (await Promise.all(files.map((file) => itemsOfFile(file, form)))).flat();
}

function itemsOfInstance(directory: string): readonly ImportItem[] {
  const { all, unreadable } = readEntries(directory);
  const left = unreadable.map(({ name, error }) => ({
    place: join(directory, name),
    leftOut: error.message,
  }));
  const rules = all.toReversed().map((entry): ImportItem => {
    const place = join(directory, entry.name);
    if (isBpf(entry)) return { place, leftOut: 'a BPF program matches the files, not a rule' };
    if (entry.extra !== undefined) return { place, leftOut: `unknown settings: ${entry.extra.join(', ')}` };
    const { enabled, ...rule } = entry;
    return { place, rule, enabled };
  });
  return [...rules, ...left];
}

async function itemsOfFile(file: string, form: Form | null): Promise<readonly ImportItem[]> {
  const bytes = read(file);
  const name = basename(file);
  const written = form ?? recogniseForm(name, bytes);
  // update-binfmts ends a line at a NUL, so it would read something else than an editor shows.
  if ((written === 'admin' || written === 'binfmt-support') && bytes.includes(0))
    return [{ place: file, wrong: 'contains a NUL byte' }];
  switch (written) {
    case 'binfmt.d': {
      const { rules, disabled, cut } = decodeBinfmtD(bytes);
      const lines = [...rules, ...disabled].toSorted((a, b) => a.line - b.line);
      const items = lines.map((line) => itemOfLine(file, line, { enabled: !disabled.includes(line) }));
      return cut ? [...items, { place: file, wrong: 'a line is longer than 1 MiB' }] : items;
    }
    case 'register':
      return linesOf(bytes).map(({ line, text }) => {
        const marked = withoutDisabledMark(text);
        return itemOfLine(file, { line, text: marked ?? text }, { enabled: marked === null });
      });
    case 'binfmt-support':
      return [itemOfFormatFile(file, name, decodeFormatFile(bytes))];
    case 'admin': {
      const decoded = decodeAdminFile(bytes);
      const missing = 'missing' in decoded ? `incomplete: ${decoded.missing} is missing` : decoded;
      return [itemOfDescription(file, name, missing)];
    }
    case 'profile':
      return itemsOfProfile(file);
  }
}

type NumberedLine = Pick<RuleLine, 'line' | 'text'>;

/** The register strings in a file. They may contain any byte except newline. */
const linesOf = (bytes: Uint8Array): readonly NumberedLine[] =>
  decodeText(bytes)
    .split('\n')
    .map((text, index) => ({ line: index + 1, text }))
    .filter(({ text }) => text !== '' && (!/^[#;]/.test(text) || withoutDisabledMark(text) !== null));

function itemOfLine(
  file: string,
  { line, text }: NumberedLine,
  { enabled }: { readonly enabled: boolean },
): ImportItem {
  const place = `${file}:${line}`;
  const parsed = parseRegister(encodeText(text), { linux73: runningKernelFeatures().linux73 });
  return 'rule' in parsed
    ? { place, rule: parsed.rule, enabled: enabled && !parsed.disabled }
    : { place, wrong: parsed.reason };
}

function itemOfFormatFile(place: string, name: string, keys: ReadonlyMap<string, string | null>): ImportItem {
  const item = itemOfDescription(place, name, describeFormatFile(keys));
  const unknown = [...keys.keys()].filter((key) => !isFormatKey(key));
  if (!('rule' in item) || unknown.length === 0) return item;
  return {
    ...item,
    lost: `unknown to binfmt-support: ${unknown.map((key) => JSON.stringify(key)).join(', ')}`,
  };
}

function itemOfDescription(place: string, name: string, description: Description | string): ImportItem {
  if (typeof description === 'string') return { place, wrong: description };
  const { detector } = description;
  if (detector !== '') {
    const why = `the kernel cannot run its detector ${detector}; use \`binfmtctl update-binfmts --import ${place}\``;
    return { place, leftOut: why };
  }
  const rule = ruleOfDescription(name, description);
  return 'errno' in rule ? { place, wrong: rule.reason } : { place, rule, enabled: true };
}

async function itemsOfProfile(file: string): Promise<readonly ImportItem[]> {
  const read = await readProfile(file);
  if ('problems' in read) {
    return read.problems.map(({ line, message }) => ({ place: `${file}:${line}`, wrong: message }));
  }
  const { profile } = read;
  if (profile.kind !== 'format') {
    const why = `a profile of kind ${profile.kind} has no interpreter; use \`binfmtctl install\`, which finds one`;
    return [{ place: file, leftOut: why }];
  }
  const interpreter = profile.interpreters.find(({ path }) => isFile(path))?.path;
  if (interpreter === undefined) {
    const paths = profile.interpreters.map(({ path }) => path).join(', ');
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', `${file}: no interpreter found: ${paths}`, {
      hint: 'install one of these interpreters',
    });
  }
  return formatRules(profile, interpreter).map((rule) => ({ place: file, rule, enabled: true }));
}

function read(file: string): Uint8Array {
  try {
    return readSmall(file);
  } catch (error) {
    throw fileError(error, `read ${file}`);
  }
}
