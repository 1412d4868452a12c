/** What may stand in command lines and files: mostly few good values, so that they meet; seldom one of the others. */
import fc from 'fast-check';

export type Text = fc.Arbitrary<string>;

/** One of `good`; once in twelve times one of `odd`. */
export const mostly = (good: readonly string[], odd: readonly string[]): Text =>
  fc.oneof(
    { weight: 11, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...good, ...odd) },
  );

export const LONG_NAME = 'n'.repeat(300);

export const name = mostly(
  ['a', 'a', 'b', 'b', 'c'],
  [
    'd e',
    'é',
    'x:y',
    'x/y',
    'new\nline',
    LONG_NAME,
    '.',
    '..',
    'register',
    'status',
    '--test',
    '',
    'a.tmp',
    ' b',
    'b ',
  ],
);

/** Rules that neither the kernel nor our safety rules refuse begin with one of these. */
export const magic = mostly(
  ['AB', 'AB', '\\x41B', 'zz', 'A\\x00', '\\x41\\x42'],
  [
    '',
    'ABC',
    'x:y',
    '\\xzz',
    'A\nB',
    'AB ',
    'A\\x0',
    'A\\',
    '\\x 1',
    '\\x-1B',
    '\\x00',
    'A'.repeat(200),
    'é',
    '\\x7fELF',
    '#!',
    '\\x23\\x21',
  ],
);
export const mask = mostly(
  ['\\xff\\xff', '\\xff\\xff', '\\xff\\xf0', '\\xff\\x00'],
  ['', '\\xff', '\\xFF\\xFF', 'abc', '\\xzz', 'é', '\\xff:\\xff', '\\xff\n', '\\x00\\xff', '\\xff\\x0'],
);
export const offset = mostly(
  ['0', '0', '00', '1'],
  ['', '-1', ' 1', '1 ', '+0', '0x1', '300', '9'.repeat(30)],
);
export const extension = mostly(
  ['foo', 'foo', 'bar'],
  ['x.y', '', 'x/y', 'a:b', 'foo ', 'n\nl', 'AB', LONG_NAME, 'é'],
);
export const yes = mostly(['yes', 'yes', 'no', ''], ['Yes', '1', 'yes ', 'y\n']);
export const packageName = mostly(['p', 'p', 'q'], [':', '', 'p ', 'a\nb', '<local>']);

const within = (folder: string, names: readonly string[]): readonly string[] =>
  names.map((each) => `${folder}/${each}`);

export const interpreter = (folder: string): Text =>
  mostly(within(folder, ['bin/good', 'bin/good', 'bin/shows']), [
    ...within(folder, [
      'bin/none',
      'bin/with space',
      'bin/no program',
      'bin',
      'bin/x:y',
      'bin/good ',
      'bin/n\nl',
    ]),
    ...['/bin/true', 'bin/good', 'good', '', `/${'p'.repeat(140)}`, `${folder}/${'long/'.repeat(60)}`],
  ]);

export const detector = (folder: string): Text =>
  mostly(
    ['/bin/true', '/bin/false', ...within(folder, ['bin/tells', 'bin/complains'])],
    [
      ...within(folder, ['bin/none', 'bin/killed', 'bin/no program', 'bin/good', 'bin/with space']),
      'true',
      '',
      '/bin/true x',
    ],
  );

export const target = (folder: string): Text =>
  mostly(
    within(folder, [
      'targets/AB.foo',
      'targets/AB.foo',
      'targets/zz.bar',
      'targets/link.bar',
      'targets/half.x.y',
    ]),
    [
      ...within(folder, [
        'targets/at 1',
        'targets/empty.foo',
        'targets/folder.foo',
        'targets/none.foo',
        'bin/shows',
      ]),
      ...['targets/AB.foo', '', '/dev/null', '/bin/true', '/proc/self/mem'],
    ],
  );
