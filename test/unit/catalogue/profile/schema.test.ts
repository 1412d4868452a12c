import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../../../src/catalogue/profile/schema.ts';
import { builtinCatalogue } from '../../../../src/profiles/builtin.ts';
import { ARCH, EMULATOR, FORMAT } from '../profiles.ts';

const problemsOf = (document: unknown): readonly string[] =>
  parseProfile(document).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('parseProfile', () => {
  it('accepts every built-in profile unchanged', () => {
    const { arches, formats, emulators } = builtinCatalogue();
    for (const profile of [arches, formats, emulators].flatMap((all) => Object.values(all)))
      expect(parseProfile(profile).profile).toEqual(profile);
  });

  it('normalizes hex, and missing lists to empty ones', () => {
    const document = {
      ...ARCH,
      magic: ARCH.magic.toUpperCase().replace('464C', '46 4C'),
      overlaps: undefined,
    };
    const { overlaps: _, ...without } = document;
    expect(parseProfile(without).profile).toMatchObject({ magic: ARCH.magic, overlaps: [] });
  });

  it('reports all problems at once, each with its path', () => {
    const document = {
      ...FORMAT,
      summary: '',
      colour: 'red',
      matches: [{ type: 'magic', magic: 4150 }],
      interpreters: [],
    };
    expect(problemsOf(document)).toEqual([
      'summary: must not be empty',
      'matches.0.magic: must be hex digits as text (quote what looks like a number)',
      'interpreters: must have at least one',
      'colour: unknown key',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['nothing', null, ': must have kind arch, format or emulator'],
    ['another kind', { kind: 'x' }, 'kind: must have kind arch, format or emulator'],
    ['an id with a slash', { ...ARCH, id: 'a/b' }, 'id: must be a name of letters, digits and _.+-'],
    ['an id in upper case', { ...FORMAT, id: 'Tape' }, 'id: must be in lower case'],
    ['odd hex', { ...ARCH, magic: `${ARCH.magic}0` }, 'magic: must be hex digits, two for each byte'],
    ['a short mask', { ...ARCH, mask: ARCH.mask.slice(2) }, 'mask: must be as long as the magic'],
    [
      'a machine out of range',
      { ...ARCH, elf: { ...ARCH.elf, machine: 65_536 } },
      'elf.machine: must be 65535 at most',
    ],
    [
      'an incomplete byte range',
      { ...ARCH, masked: [{ bytes: '7-', field: 'x', why: 'y' }] },
      'masked.0.bytes: must be a byte or a range: 7, 9-15',
    ],
    [
      'a magic after the first 256 bytes',
      { ...FORMAT, matches: [{ type: 'magic', offset: 255, magic: '4142' }] },
      'matches.0: ends after the 256 bytes that the kernel compares',
    ],
    [
      'an extension with a dot',
      { ...FORMAT, matches: [{ type: 'extension', extension: 'tar.gz' }] },
      'matches.0.extension: must be an extension without a dot',
    ],
    [
      'a relative interpreter',
      { ...FORMAT, interpreters: [{ path: 'wine' }] },
      'interpreters.0.path: must be an absolute path',
    ],
    [
      'a pattern without a group',
      { ...EMULATOR, version: { arguments: [], pattern: '\\d+' } },
      'version.pattern: must be a regular expression with one group, the version',
    ],
    [
      'a broken pattern',
      { ...EMULATOR, version: { arguments: [], pattern: '(' } },
      'version.pattern: must be a regular expression with one group, the version',
    ],
    [
      'a pattern that ends in a backslash',
      { ...EMULATOR, version: { arguments: [], pattern: '(v)\\' } },
      'version.pattern: must be a regular expression with one group, the version',
    ],
    [
      'a guest whose name is a path',
      { ...EMULATOR, guests: { pdp11: '../pdp11' } },
      'guests.pdp11: must be a name of letters, digits and _.+-',
    ],
    [
      'an invalid version range',
      {
        ...EMULATOR,
        knownBad: [{ range: 'seven', guests: ['*'], hosts: ['*'], symptom: 's', wayOut: 'w', source: 'o' }],
      },
      'knownBad.0.range: must be a semver range: >=7.0.0 <7.2.5',
    ],
    [
      'an unknown linkage',
      { ...EMULATOR, layouts: [{ distribution: 'd', paths: [], linkage: 'glued' }] },
      'layouts.0.linkage: must be one of static, dynamic, either',
    ],
    ['no guests', { ...EMULATOR, guests: {} }, 'guests: must have at least one'],
  ])('refuses %s', (_, document, problem) => {
    expect(problemsOf(document)).toContain(problem);
  });
});
