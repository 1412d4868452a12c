/** What stands in the folder of a side from the beginning. */
import type { Planted } from './step.ts';

type Piece = readonly [path: string, what: Planted, text: string];

/** Paths are relative to the folder; texts may name it. */
export function furniture(folder: string): readonly Piece[] {
  return [
    ...['admin', 'import', 'bin', 'targets', 'fake', 'plain'].map((path): Piece => [path, 'folder', '']),
    // No format takes them: they are executable, and nothing else.
    ['bin/good', 'program', 'good\n'],
    ['bin/with space', 'program', 'good\n'],
    ['bin/no program', 'file', 'not executable\n'],
    ['bin/killed', 'program', '#!/bin/sh\nkill -9 $$\n'],
    ['bin/tells', 'program', '#!/bin/sh\necho "told $#: $*"\n'],
    ['bin/complains', 'program', '#!/bin/sh\necho "no: $*" >&2\nexit 3\n'],
    ['bin/shows', 'program', '#!/bin/sh\nprintf "%s\\n" "shows $0" "$@"\n'],
    ['targets/AB.foo', 'file', 'ABCD'],
    ['targets/zz.bar', 'program', 'zz top'],
    ['targets/at 1', 'file', '-AB'],
    ['targets/half.x.y', 'file', 'A'],
    ['targets/empty.foo', 'file', ''],
    ['targets/folder.foo', 'folder', ''],
    ['targets/link.bar', 'link', `${folder}/targets/AB.foo`],
    // What looks like binfmt_misc and is none.
    ['fake/register', 'file', ''],
    ['fake/status', 'file', 'enabled\n'],
  ];
}
