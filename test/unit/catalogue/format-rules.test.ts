import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patternOf } from '../../../src/catalogue/profile/lint.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { matches } from '../../../src/rule/match.ts';

const { formats } = builtinCatalogue();

/** The formats whose rules match a file. */
const formatsOf = (path: string, ...head: readonly number[]): readonly string[] =>
  Object.values(formats)
    .filter((format) =>
      format.matches.some((match) => matches(patternOf(match), Uint8Array.from(head), path)),
    )
    .map(({ id }) => id);

const CAFEBABE = [0xca, 0xfe, 0xba, 0xbe];
const half = (value: number): readonly [number, number] => [value >> 8, value & 0xff];

describe('the built-in formats', () => {
  it.each<[string, readonly string[], string, readonly number[]]>([
    ['a WebAssembly module', ['wasm'], 'a', [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]],
    ['a WebAssembly component', [], 'a', [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]],
    ['a Windows program, which may be one of .NET', ['dotnet', 'windows'], 'a', [0x4d, 0x5a]],
    ['a jar by its name', ['jar'], '/a/b.jar', [0x50, 0x4b, 3, 4]],
    ['no other zip file', [], '/a/b.odt', [0x50, 0x4b, 3, 4]],
    ['byte code of Python 3.11', ['python'], '/a/b.pyc', [0xa7, 0x0d, 0x0d, 0x0a]],
    ['Go source', ['go'], 'b.go', [0x70]],
    ['no script', [], 'b', [0x23, 0x21]],
  ])('match %s as %j', (_, ids, path, head) => {
    expect(formatsOf(path, ...head)).toEqual(ids);
  });

  it('match Java classes of every version, including 45.3 (Java 1.0) and previews', () => {
    fc.assert(
      fc.property(fc.integer({ min: 45, max: 127 }), fc.integer({ min: 0, max: 65_535 }), (major, minor) => {
        expect(formatsOf('a', ...CAFEBABE, ...half(minor), ...half(major))).toEqual(['java']);
      }),
    );
  });

  it('do not match macOS universal binaries, which start with the same bytes as Java classes', () => {
    for (let parts = 0; parts < 32; parts++)
      expect(formatsOf('a', ...CAFEBABE, 0, 0, ...half(parts))).toEqual([]);
  });
});
