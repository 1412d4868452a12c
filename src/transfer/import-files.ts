/** What files and folders say of rules, whatever form they are written in. */
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

/** Where rules come from: files in one of the forms, or a mounted instance. */
export type ImportSource = Form | 'instance';

/** One thing that was found: a rule; what is wrong; or what cannot become a rule of the kernel, and why. */
export type ImportItem =
  | {
      readonly place: string;
      readonly rule: Rule;
      readonly enabled: boolean;
      /** What of it is in the form, and says nothing to anybody. */
      readonly lost?: string | undefined;
    }
  | { readonly place: string; readonly wrong: string }
  | { readonly place: string; readonly leftOut: string };

/**
 * All that a file, the files of a folder in the order of their names, or a mounted instance (oldest entry first) say.
 * `source` is recognised file by file where it is null.
 *
 * @throws FILE_FAILED, NO_PRIVILEGE where a path cannot be read; NO_BINFMT_MISC where it has to be an instance and is none.
 */
export async function readItems(path: string, source: ImportSource | null): Promise<readonly ImportItem[]> {
  if (source === 'instance' || inspectInstance(path).mounted) return itemsOfInstance(path);
  const form = source;
  // What is there and is no folder is read as a file, and else says why it cannot be.
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
    if (isBpf(entry)) return { place, leftOut: 'a BPF program decides what it takes' };
    if (entry.extra !== undefined) return { place, leftOut: `a rule has no ${entry.extra.join(', ')}` };
    const { enabled, ...rule } = entry;
    return { place, rule, enabled };
  });
  return [...rules, ...left];
}

async function itemsOfFile(file: string, form: Form | null): Promise<readonly ImportItem[]> {
  const bytes = read(file);
  const name = basename(file);
  const written = form ?? recogniseForm(name, bytes);
  // To update-binfmts a line ends there, and so says something else than is to be seen.
  if ((written === 'admin' || written === 'binfmt-support') && bytes.includes(0))
    return [{ place: file, wrong: 'it has a NUL, which no text has' }];
  switch (written) {
    case 'binfmt.d': {
      const { rules, disabled, cut } = decodeBinfmtD(bytes);
      const lines = [...rules, ...disabled].toSorted((a, b) => a.line - b.line);
      const items = lines.map((line) => itemOfLine(file, line, { enabled: !disabled.includes(line) }));
      return cut ? [...items, { place: file, wrong: 'a line has more than a mebibyte' }] : items;
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
      const missing = 'missing' in decoded ? `it ends before its ${decoded.missing}` : decoded;
      return [itemOfDescription(file, name, missing)];
    }
    case 'profile':
      return itemsOfProfile(file);
  }
}

type NumberedLine = Pick<RuleLine, 'line' | 'text'>;

/** Every byte but a newline belongs to a register string. */
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
  return { ...item, lost: `binfmt-support knows no ${unknown.map((key) => JSON.stringify(key)).join(', ')}` };
}

function itemOfDescription(place: string, name: string, description: Description | string): ImportItem {
  if (typeof description === 'string') return { place, wrong: description };
  const { detector } = description;
  if (detector !== '') {
    const why = `the kernel cannot ask its detector ${detector}: \`binfmtctl update-binfmts --import ${place}\` can`;
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
    const why = `a profile of kind ${profile.kind} names no interpreter: \`binfmtctl install\` finds one`;
    return [{ place: file, leftOut: why }];
  }
  const interpreter = profile.interpreters.find(({ path }) => isFile(path))?.path;
  if (interpreter === undefined) {
    const paths = profile.interpreters.map(({ path }) => path).join(', ');
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', `${file}: none of its interpreters is here: ${paths}`, {
      hint: 'install one of them first',
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
