/** A rule in each of the forms that people keep it in, written as those forms are documented. */

export interface Spec {
  readonly name: string;
  readonly interpreter: string;
  readonly magic?: Buffer;
  readonly mask?: Buffer;
  readonly offset?: number;
  readonly extension?: string;
  /** Letters of the kernel: P, C, F. */
  readonly flags?: string;
  /** Only binfmt-support has detectors. */
  readonly detector?: string;
}

/** `\xHH` for each byte. */
export const escaped = (bytes: Buffer | undefined): string =>
  (bytes ?? Buffer.alloc(0)).toString('hex').replace(/../g, '\\x$&');

/** What is written to `register`, and stands on a line of binfmt.d (Documentation/admin-guide/binfmt-misc.rst). */
export function registerString({
  name,
  interpreter,
  magic,
  mask,
  offset,
  extension,
  flags = '',
}: Spec): string {
  const match =
    extension === undefined ? ['M', offset ?? '', escaped(magic), escaped(mask)] : ['E', '', extension, ''];
  return `:${[name, ...match, interpreter, flags].join(':')}`;
}

/** What of a rule has a key in a format file, and an option of update-binfmts, with hyphens. */
function fieldsOf(spec: Spec): readonly (readonly [key: string, value: string])[] {
  const { magic, mask, offset, extension, detector, flags = '' } = spec;
  const yes = (flag: string): string | undefined => (flags.includes(flag) ? 'yes' : undefined);
  const fields: readonly (readonly [key: string, value: string | undefined])[] = [
    ['magic', magic && escaped(magic)],
    ['mask', mask && escaped(mask)],
    ['offset', offset === undefined ? undefined : String(offset)],
    ['extension', extension],
    ['detector', detector],
    ['credentials', yes('C')],
    ['preserve', yes('P')],
    ['fix_binary', yes('F')],
  ];
  return fields.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}

/** A file of /usr/share/binfmts (update-binfmts(8), FORMAT FILES). */
export function formatFile(spec: Spec): string {
  const lines = [['package', 'seeds'], ['interpreter', spec.interpreter], ...fieldsOf(spec)];
  return lines.map(([key, value]) => `${key} ${value}\n`).join('');
}

/** A file of /var/lib/binfmts, ten lines (binfmt-support's src/format.c). */
export function adminFile({
  interpreter,
  magic,
  mask,
  offset,
  extension,
  flags = '',
  detector,
}: Spec): string {
  const yes = (flag: string): string => (flags.includes(flag) ? 'yes' : '');
  const match =
    extension === undefined
      ? ['magic', String(offset ?? 0), escaped(magic), escaped(mask)]
      : ['extension', '0', extension, ''];
  return `${['seeds', ...match, interpreter, detector ?? '', yes('C'), yes('P'), yes('F')].join('\n')}\n`;
}

/** Words of `update-binfmts --install`. */
export const installWords = (spec: Spec): readonly string[] => [
  ...['--package', 'seeds', '--install', spec.name, spec.interpreter],
  ...fieldsOf(spec).flatMap(([key, value]) => [`--${key.replace('_', '-')}`, value]),
];

/** A profile of a catalogue: all its entries have the same flags. */
export function profileYaml(specs: readonly Spec[]): string {
  const [first] = specs;
  if (first === undefined) throw new Error('a profile needs a rule');
  const matches = specs.map(({ magic, mask, offset = 0, extension }) =>
    extension === undefined
      ? `  - { type: magic, offset: ${offset}, magic: '${magic?.toString('hex')}'${mask ? `, mask: '${mask.toString('hex')}'` : ''} }\n`
      : `  - { type: extension, extension: '${extension}' }\n`,
  );
  return `kind: format
id: ${first.name}
summary: a format of the tests
aliases: []
matches:
${matches.join('')}interpreters:
  - { path: /usr/bin/not-there }
  - { path: ${first.interpreter} }
${first.flags === undefined ? '' : `flags: ${first.flags}\n`}overlaps: []
`;
}

/** What the kernel shows of the entry (fs/binfmt_misc.c entry_status()). */
export function entryText({ interpreter, magic, mask, offset, extension, flags = '' }: Spec): string {
  const letters = ['P', 'O', 'C', 'F'].filter((flag) =>
    (flags + (flags.includes('C') ? 'O' : '')).includes(flag),
  );
  const match =
    extension === undefined
      ? `offset ${offset ?? 0}\nmagic ${magic?.toString('hex')}\n${mask ? `mask ${mask.toString('hex')}\n` : ''}`
      : `extension .${extension}\n`;
  return `enabled\ninterpreter ${interpreter}\nflags: ${letters.join('')}\n${match}`;
}
