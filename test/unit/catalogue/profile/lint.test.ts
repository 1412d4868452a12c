import { describe, expect, it } from 'vitest';
import { withProfiles } from '../../../../src/catalogue/merge.ts';
import { lintProfile } from '../../../../src/catalogue/profile/lint.ts';
import type { Arch, EmulatorProfile, Format, Profile } from '../../../../src/catalogue/types.ts';
import { builtinCatalogue } from '../../../../src/profiles/builtin.ts';
import { ARCH, EMULATOR, FORMAT } from '../profiles.ts';

/** Problems of a profile among those that are built in, and others. */
function problemsOf(profile: Profile, ...others: readonly Profile[]): readonly string[] {
  const catalogue = withProfiles(builtinCatalogue(), [ARCH, FORMAT, EMULATOR, ...others, profile]);
  return lintProfile(profile, catalogue).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const bytes = (hex: string, at: number, byte: string): string =>
  hex.slice(0, 2 * at) + byte + hex.slice(2 * at + 2);

describe('lintProfile', () => {
  it('finds nothing wrong with what is built in', () => {
    const catalogue = builtinCatalogue();
    const { arches, formats, emulators } = catalogue;
    for (const profile of [arches, formats, emulators].flatMap((all) => Object.values<Profile>(all)))
      expect([profile.id, lintProfile(profile, catalogue)]).toEqual([profile.id, []]);
  });

  it('finds nothing wrong with profiles that are right', () => {
    for (const profile of [ARCH, FORMAT, EMULATOR]) expect(problemsOf(profile)).toEqual([]);
  });

  it.each<[string, Partial<Arch>, string]>([
    [
      'a class other than the magic says',
      { elf: { ...ARCH.elf, class: 64 } },
      'elf.class: is 64, but the magic says 32',
    ],
    [
      'another byte order',
      { elf: { ...ARCH.elf, byteOrder: 'big' } },
      'elf.byteOrder: is big, but the magic says little',
    ],
    ['another machine', { elf: { ...ARCH.elf, machine: 66 } }, 'elf.machine: is 66, but the magic says 65'],
    [
      'a magic that is not ELF',
      { magic: bytes(ARCH.magic, 0, '00') },
      'magic: is no ELF header: does not begin with the ELF magic',
    ],
    [
      'another ELF version',
      { magic: bytes(ARCH.magic, 6, '02') },
      'magic: has EI_VERSION 2 at byte 6; ELF knows 1 only',
    ],
    [
      'magic bits outside the mask',
      { magic: bytes(ARCH.magic, 16, '03') },
      'magic: byte 16 has bits that the mask leaves out',
    ],
    [
      'a masked byte without reason',
      { masked: [] },
      'mask: byte 16 is not compared wholly, and `masked` does not say why',
    ],
    [
      'a reason without masked byte',
      { masked: [...ARCH.masked, { bytes: '9-10', field: 'x', why: 'y' }] },
      'masked.1.bytes: 9-10: names no byte, or one that the mask compares wholly or ends before',
    ],
    [
      'a reason for a range that ends before it starts',
      { masked: [{ bytes: '16-9', field: 'e_type', why: 'y' }] },
      'masked.0.bytes: 16-9: names no byte, or one that the mask compares wholly or ends before',
    ],
    [
      'a mask that takes other machines',
      { mask: bytes(ARCH.mask, 18, 'fe'), magic: bytes(ARCH.magic, 18, '40') },
      'mask: byte 18 is not compared wholly: programs of another arch would match',
    ],
    [
      'flags that the magic does not compare',
      { elf: { ...ARCH.elf, flags: { value: 0, mask: 32 } } },
      'elf.flags: e_flags are compared as 0x0 under 0x0, but the identity says 0x0 under 0x20',
    ],
    [
      'flags that a magic of ELF64 does not compare',
      { elf: { ...ARCH.elf, class: 64, flags: { value: 1, mask: 1 } } },
      'elf.flags: e_flags are compared as 0x0 under 0x0, but the identity says 0x1 under 0x1',
    ],
    [
      'a compat that only JavaScript knows',
      { compat: ['constructor'] },
      'compat.0: there is no arch constructor',
    ],
    [
      'a Docker platform whose short form is another arch',
      { aliases: { ...ARCH.aliases, docker: ['linux/pdp11', 'linux/armhf'] } },
      'aliases.docker.1: armhf also means arch arm',
    ],
    ['a compat that nobody knows', { compat: ['pdp8'] }, 'compat.0: there is no arch pdp8'],
    ['an overlap with nobody', { overlaps: ['pdp8'] }, 'overlaps.0: there is no pdp8'],
    ['an overlap that is none', { overlaps: ['arm'] }, 'overlaps.0: no file can be pdp11 and arm'],
    [
      'an alias of another arch',
      { aliases: { ...ARCH.aliases, other: ['ARM64'] } },
      'aliases.other.0: ARM64 also means arch aarch64',
    ],
    [
      'an alias of an emulator',
      { aliases: { ...ARCH.aliases, other: ['qemu'] } },
      'aliases.other.0: qemu also means emulator qemu',
    ],
    [
      'an unknown instruction set',
      { probe: { ...ARCH.probe, isa: 'vax' } },
      'probe: unknown instruction set of a probe: vax',
    ],
  ])('finds %s', (_, change, problem) => {
    expect(problemsOf({ ...ARCH, ...change })).toContain(problem);
  });

  it('finds an overlap that only one side speaks of, and one that nobody does', () => {
    const twin: Arch = { ...ARCH, id: 'twin', aliases: { ...ARCH.aliases, gnu: [], other: [] } };
    expect(problemsOf(twin)).toContain('overlaps: the same file can be twin and pdp11, which is not said');
    expect(problemsOf({ ...twin, overlaps: ['pdp11'] })).toContain('overlaps.0: pdp11 does not say so too');
    expect(problemsOf({ ...twin, overlaps: ['pdp11'] }, { ...ARCH, overlaps: ['twin'] })).toEqual([]);
  });

  it('finds a format that takes the programs of an arch', () => {
    const wide: Format = { ...FORMAT, matches: [{ type: 'magic', offset: 0, magic: '7f454c46' }] };
    expect(problemsOf(wide)).toContain('overlaps: the same file can be tape and x86_64, which is not said');
  });

  it('finds magic bits of a format outside their mask', () => {
    const matches = [{ type: 'magic', offset: 0, magic: '4142', mask: 'ff40' }] as const;
    expect(problemsOf({ ...FORMAT, matches })).toEqual([
      'matches.0.magic: has bits that the mask leaves out',
    ]);
  });

  it('finds an alias of a format that is an arch', () => {
    expect(problemsOf({ ...FORMAT, aliases: ['ptape', 'arm64'] })).toEqual([
      'aliases.1: arm64 also means arch aarch64',
    ]);
  });

  it.each<[string, Partial<EmulatorProfile>, string]>([
    ['a name that an arch has', { id: 'arm64' }, 'id: arm64 also means arch aarch64'],
    [
      'a host that only JavaScript knows',
      { hosts: ['constructor'] },
      'hosts.0: there is no arch constructor',
    ],
    ['an unknown guest', { guests: { pdp8: 'x' } }, 'guests.pdp8: there is no arch or format pdp8'],
    ['an unknown host', { hosts: ['pdp8'] }, 'hosts.0: there is no arch pdp8'],
    [
      'an entry that guests would share',
      { guests: { pdp11: 'a', arm: 'b' }, entry: 'simh' },
      'entry: needs {target}: its guests would share one entry',
    ],
    [
      'a placeholder that stands for nothing',
      { layouts: [{ distribution: 'd', paths: ['/{guest}'], packages: [], linkage: 'static' }] },
      "layouts.0.paths.0: {guest} stands for nothing; {target} stands for the guest's name",
    ],
    [
      'a bad version of no guest',
      { knownBad: [{ range: '*', guests: ['arm'], hosts: ['*'], symptom: 's', wayOut: 'w', source: 'o' }] },
      'knownBad.0.guests.0: there is no guest arm',
    ],
    [
      'mode auto without version',
      { preserveArgv0: { mode: 'auto' } },
      'preserveArgv0: mode auto needs `since`, the first version that understands flag P',
    ],
  ])('finds %s', (_, change, problem) => {
    expect(problemsOf({ ...EMULATOR, ...change })).toContain(problem);
  });

  it('reports everything at once', () => {
    const wrong = { ...ARCH, elf: { class: 64, byteOrder: 'big', machine: 1 } as const, compat: ['pdp8'] };
    expect(problemsOf(wrong).length).toBeGreaterThanOrEqual(4);
  });
});

describe('the mask of an emulator', () => {
  const lint = (masks: Readonly<Record<string, string>>) =>
    problemsOf({ ...EMULATOR, masks }).filter((problem) => problem.startsWith('masks'));

  it.each([
    ['takes more files of its arch', { pdp11: bytes(bytes(ARCH.mask, 8, '00'), 9, '00') }, []],
    ['has another length', { pdp11: 'ff' }, ['masks.pdp11: must be as long as the mask of pdp11']],
    ['is of no guest', { arm: ARCH.mask }, ['masks.arm: there is no guest arm that is an arch']],
    ['leaves files out', { pdp11: bytes(ARCH.mask, 16, 'ff') }, []],
    [
      'takes files of other arches',
      { pdp11: bytes(bytes(ARCH.mask, 18, '00'), 19, '00') },
      [expect.stringContaining('also takes files of ')],
    ],
  ])('that %s', (_, masks, problems) => {
    expect(lint(masks)).toEqual(problems);
  });
});
