/** Random command lines of update-binfmts. */
import fc from 'fast-check';
import * as values from './values.ts';

export interface Command {
  readonly words: readonly string[];
  /** Which word is `--find` and is taken as the mode; null where none is. */
  readonly find: number | null;
}

/** Words that belong together. `finds` where the first of them is `--find`. */
interface Part {
  readonly words: readonly string[];
  readonly finds?: boolean;
}
type Parts = fc.Arbitrary<readonly Part[]>;

/** The option, now and then shortened; with its value in the same word or in the next. */
const option = (name: string, value: values.Text): fc.Arbitrary<Part> =>
  fc
    .tuple(spelled(name), value, fc.boolean())
    .map(([spelling, text, joined]) => ({ words: joined ? [`${spelling}=${text}`] : [spelling, text] }));

const spelled = (name: string): values.Text =>
  fc.oneof(
    { weight: 25, arbitrary: fc.constant(`--${name}`) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 3, max: name.length }).map((size) => `--${name.slice(0, size)}`),
    },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((size) => `--${name.slice(0, size)}`) },
  );

const sometimes = (weight: number, part: fc.Arbitrary<Part>): Parts =>
  fc.oneof({ weight: 10, arbitrary: fc.constant([]) }, { weight, arbitrary: part.map((one) => [one]) });

const together = (...parts: readonly Parts[]): Parts => fc.tuple(...parts).map((each) => each.flat());

const always = (part: fc.Arbitrary<Part>): Parts => part.map((one) => [one]);

const spec = (folder: string): Parts =>
  together(
    fc.oneof(
      {
        weight: 6,
        arbitrary: together(
          always(option('magic', values.magic)),
          sometimes(6, option('mask', values.mask)),
          sometimes(5, option('offset', values.offset)),
        ),
      },
      { weight: 4, arbitrary: always(option('extension', values.extension)) },
      {
        weight: 1,
        arbitrary: together(
          sometimes(5, option('magic', values.magic)),
          sometimes(8, option('extension', values.extension)),
          sometimes(8, option('mask', values.mask)),
          sometimes(8, option('offset', values.offset)),
        ),
      },
    ),
    sometimes(4, option('detector', values.detector(folder))),
    sometimes(2, option('credentials', values.yes)),
    sometimes(2, option('preserve', values.yes)),
    sometimes(2, option('fix-binary', values.yes)),
  );

const owner = sometimes(6, option('package', values.packageName));

const mode = (name: string, ...words: readonly values.Text[]): Parts =>
  fc.tuple(spelled(name), ...words).map(([spelling, ...rest]) => [
    // So short that it could be --fix-binary it is no mode.
    { words: [spelling, ...rest], finds: name === 'find' && spelling.length > '--fi'.length },
  ]);

/** A mode with its name, or without: then its part is the last, lest it take another word as the name. */
const optional = (
  weight: number,
  name: string,
  word: values.Text,
): readonly fc.MaybeWeightedArbitrary<readonly Part[]>[] => [
  { weight, arbitrary: mode(name, word) },
  { weight: weight / 2, arbitrary: mode(name) },
];

const asked = (folder: string): Parts => {
  const path = values.interpreter(folder);
  const file = fc.oneof(
    { weight: 6, arbitrary: values.name },
    {
      weight: 1,
      arbitrary: values.mostly(
        ['import/a', 'import/b', `${folder}/import/a`],
        ['./none', 'import/', '/dev/null', 'import/.'],
      ),
    },
  );
  return fc.oneof(
    { weight: 16, arbitrary: together(mode('install', values.name, path), spec(folder), owner) },
    { weight: 1, arbitrary: together(mode('install', values.name, path), owner) },
    { weight: 5, arbitrary: together(mode('remove', values.name, path), owner) },
    ...optional(8, 'import', file),
    ...optional(4, 'unimport', file),
    ...optional(4, 'display', values.name),
    ...optional(8, 'enable', values.name),
    ...optional(6, 'disable', values.name),
    { weight: 8, arbitrary: mode('find', values.target(folder)) },
  );
};

const wrong: fc.Arbitrary<Part> = fc
  .constantFrom(
    ...[
      ['stray'],
      ['--wrong'],
      ['--wrong=x'],
      ['--'],
      ['-'],
      ['-x'],
      ['-V'],
      ['--version'],
      ['--test=x'],
      ['--import=x'],
    ],
    ...[
      ['--display'],
      ['--enable', 'a'],
      ['--find'],
      ['--install', 'a'],
      ['--remove', 'a', '/bin/true'],
      ['--magic'],
    ],
    ...[
      ['--offset', 'x'],
      ['--mask', 'm'],
      ['--mask', 'm'],
      ['--HANG=0'],
      ['--H=0'],
      ['--program-name=other'],
      [''],
    ],
    ...[
      ['--unimport'],
      ['--disable='],
      ['--credentials'],
      ['-?'],
      ['--help'],
      ['--usage'],
      ['--u'],
      ['--t'],
      ['--te'],
    ],
    ...[
      ['-testing'],
      ['-Vx'],
      ['--package'],
      ['--import', '--test'],
      ['--', 'a'],
      ['--admin'],
      ['--magic', 'AB'],
      ['--extension', 'foo'],
    ],
  )
  .map((words) => ({ words }));

const extras = (folder: string): Parts =>
  together(
    sometimes(2, fc.constant({ words: ['--test'] })),
    fc.oneof(
      { weight: 12, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: always(
          option('procdir', fc.constantFrom(...PROCDIRS.map((each) => each.replace('@', folder)))),
        ),
      },
    ),
    fc.oneof(
      { weight: 25, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: always(
          option('admindir', fc.constantFrom(`${folder}/none`, `${folder}/plain`, '', 'admin/')),
        ),
      },
      {
        weight: 1,
        arbitrary: always(option('importdir', fc.constantFrom(`${folder}/none`, `${folder}/plain`, ''))),
      },
    ),
    fc.oneof(
      { weight: 10, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: spec(folder) },
      { weight: 2, arbitrary: always(wrong) },
    ),
  );

const PROCDIRS = [
  '/proc/sys/fs/binfmt_misc',
  '/proc/sys/fs/binfmt_misc/',
  ...['@/fake', '@/plain', '@/none', '@/bin/good', '@/plain/', ''],
];

/** Command lines with the folder's admin and import directories, which come first. */
export const commands = (folder: string): fc.Arbitrary<Command> =>
  fc
    .tuple(
      asked(folder),
      extras(folder),
      fc.array(fc.nat(1000), { minLength: 20, maxLength: 20 }),
      fc.boolean(),
    )
    .map(([first, others, order, isOrdered]) => {
      const isOpen = (part: Part): boolean => part.words.length === 1 && !part.words[0]?.includes('=');
      const all = isOrdered ? [...first, ...others] : shuffled([...first, ...others], order);
      const parts = [...all.filter((part) => !isOpen(part)), ...all.filter(isOpen)];
      const directories = directoriesOf(folder);
      const words = [...directories, ...parts.flatMap((part) => part.words)];
      const before = parts.slice(
        0,
        parts.findIndex((part) => part.finds),
      );
      const isFound = parts.some((part) => part.finds);
      return {
        words,
        find: isFound ? directories.length + before.flatMap((part) => part.words).length : null,
      };
    });

/** Installs that succeed where nothing of that name is there. */
export const installs = (folder: string): fc.Arbitrary<Command> =>
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom('good', 'shows', 'with space'),
      fc.constantFrom(
        ['--magic=AB'],
        ['--magic=AB'],
        ['--magic=zz', '--mask=\\xff\\xff'],
        ['--extension=foo'],
      ),
      fc.constantFrom([], [], ['--detector=/bin/true'], [`--detector=${folder}/bin/tells`]),
      fc.constantFrom([], [], ['--package=p']),
    )
    .map(([name, path, ...options]) => ({
      words: [...directoriesOf(folder), '--install', name, `${folder}/bin/${path}`, ...options.flat()],
      find: null,
    }));

const directoriesOf = (folder: string): readonly string[] => [
  ...['--admindir', `${folder}/admin`],
  `--importdir=${folder}/import`,
];

function shuffled<T>(list: readonly T[], numbers: readonly number[]): readonly T[] {
  return list
    .map((each, index) => [numbers[index] ?? 0, each] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, each]) => each);
}
