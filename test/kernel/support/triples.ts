/** Random rules, files and instances: operations on an instance, and executed files. */
import fc from 'fast-check';

/** The file at an interpreter's path. */
export type Kind =
  | 'program'
  | 'script'
  | 'foreign'
  | 'loaded'
  | 'empty'
  | 'not executable'
  | 'folder'
  | 'missing';

export interface Interpreter {
  readonly kind: Kind;
  /** First bytes of a file that is not a program; for a `loaded` one, its interpreter. */
  readonly text: string;
}

/** One system call. In texts `@1` stands for the path of interpreter 1. */
export type Act =
  | { readonly kind: 'write'; readonly file: string; readonly text: string }
  | { readonly kind: 'unlink'; readonly file: string }
  /** Removes the file at an interpreter's path; an entry with F keeps it open. */
  | { readonly kind: 'lose'; readonly interpreter: number };

export interface Triple {
  readonly interpreters: readonly Interpreter[];
  readonly acts: readonly Act[];
  /** A text `loaded @1` stands for a program that asks for interpreter 1. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export const LOADED = 'loaded ';
export const FILES = 12;
const INTERPRETERS = 5;

const interpreter = fc.nat(INTERPRETERS - 1);
const shebang = fc
  .tuple(
    fc.constantFrom('', ' ', '\t '),
    interpreter,
    fc.constantFrom('', '', '', '', '/x'),
    fc.constantFrom('', '', ' -o', ' two words ', ' '),
    fc.constantFrom('\n', '\n', '\n', '', '\nAB', '\0\n'),
  )
  .map(([blank, index, within, argument, end]) => `#!${blank}@${index}${within}${argument}${end}`);
const odd = fc.constantFrom('#!', '#!\n', '#! \n', '#!\0', `#!/${'a'.repeat(300)}\n`, '#', '');
const long = ['A'.repeat(99), `B${'\0'.repeat(99)}`, `#!${' '.repeat(99)}`];
const foreign = fc.constantFrom('AB', 'ABC', 'A', 'B', 'AB\n', 'ZZ', '\x7fELF\x02\x01', ...long);
const loaded = interpreter.map((index) => `${LOADED}@${index}`);
const texts = fc.oneof(
  { weight: 4, arbitrary: shebang },
  { weight: 3, arbitrary: foreign },
  { weight: 2, arbitrary: loaded },
  odd,
);

const KINDS: readonly Kind[] = [
  ...['program', 'program', 'program', 'program', 'script', 'script', 'foreign', 'foreign'],
  ...['loaded', 'empty', 'not executable', 'folder', 'missing'],
] as readonly Kind[];

const NAMES = ['t0', 't1', 't2', 't3', 't4'];
const name = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...NAMES) },
  fc.constantFrom('status', 'register', '..', 'n'.repeat(255), 'n'.repeat(256)),
);
const pattern = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('A', 'AB', 'B', 'ABC', 'Z').map((magic) => `M::${magic}:`) },
  { weight: 3, arbitrary: fc.constantFrom('M::#!:', 'M::\\x7fELF:', 'M::\\x00:', 'M:1:B\\x00:\\xff\\xf0') },
  { weight: 3, arbitrary: fc.constantFrom('E::foo:', 'E::gz:') },
  fc.constantFrom('M::\\x4:', 'M:300:A:', 'E::a/b:', 'X::A:', 'B::::', 'M::A:AB'),
);
const flags = fc.oneof(
  { weight: 8, arbitrary: fc.subarray(['P', 'O', 'C', 'F']) },
  { weight: 1, arbitrary: fc.subarray(['P', 'O', 'C', 'F', 'T', 'L', 'D']) },
  { weight: 1, arbitrary: fc.constantFrom(['T'], ['L'], ['D'], ['F', 'L'], ['F', 'T'], ['D', 'P']) },
);
const rule = fc
  .tuple(
    name,
    pattern,
    fc.oneof({ weight: 20, arbitrary: interpreter.map((index) => `@${index}`) }, fc.constantFrom('i0', '')),
    flags,
    fc.constantFrom('', '', '', '', '\n', '\n\n'),
  )
  .map((parts): Act => {
    const [entry, matching, program, letters, end] = parts;
    return {
      kind: 'write',
      file: 'register',
      text: `:${entry}:${matching}:${program}:${letters.join('')}${end}`,
    };
  });
const command = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('0', '1', '0\n', '1\n') },
  { weight: 2, arbitrary: fc.constantFrom('-1', '-1\n') },
  fc.constantFrom('', '\n', '2', '1 ', '1\n\n', '+1', '+a @0', '1\0', '0'.repeat(4132)),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 16, arbitrary: rule },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...NAMES), command)
      .map(([file, text]): Act => ({ kind: 'write', file, text })),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof({ weight: 3, arbitrary: fc.constantFrom('1', '1\n') }, command)
      .map((text): Act => ({ kind: 'write', file: 'status', text })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NAMES, 'status', 'register', 'n'.repeat(256))
      .map((file): Act => ({ kind: 'unlink', file })),
  },
  { weight: 1, arbitrary: interpreter.map((index): Act => ({ kind: 'lose', interpreter: index })) },
);

export const triples: fc.Arbitrary<Triple> = fc.record({
  interpreters: fc.array(fc.record({ kind: fc.constantFrom(...KINDS), text: texts }), {
    minLength: INTERPRETERS,
    maxLength: INTERPRETERS,
  }),
  acts: fc.array(act, { maxLength: 14, size: 'large' }),
  files: fc
    .array(fc.tuple(fc.constantFrom('', '', '', '.foo', '.tar.gz'), texts), {
      minLength: FILES,
      maxLength: FILES,
    })
    .map((files) => files.map(([extension, text], index) => ({ path: `f${index}${extension}`, text }))),
});
