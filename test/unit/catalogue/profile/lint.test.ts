import { describe, expect, it } from 'vitest';
import { withProfiles } from '../../../../src/catalogue/merge.ts';
import { lintProfile } from '../../../../src/catalogue/profile/lint.ts';
import type { Arch, EmulatorProfile, Format, Profile } from '../../../../src/catalogue/types.ts';
import { builtinCatalogue } from '../../../../src/profiles/builtin.ts';
import { ARCH, EMULATOR, FORMAT } from '../profiles.ts';

/** Problems of a profile in the built-in catalogue, extended by other profiles. */
function problemsOf(profile: Profile, ...others: readonly Profile[]): readonly string[] {
  const catalogue = withProfiles(builtinCatalogue(), [ARCH, FORMAT, EMULATOR, ...others, profile]);
  return lintProfile(profile, catalogue).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const bytes = (hex: string, at: number, byte: string): string =>
  hex.slice(0, 2 * at) + byte + hex.slice(2 * at + 2);

describe('lintProfile', () => {
  it('accepts the built-in catalogue', () => {
    const catalogue = builtinCatalogue();
    const { arches, formats, emulators } = catalogue;
    for (const profile of [arches, formats, emulators].flatMap((all) => Object.values<Profile>(all)))
      expect([profile.id, lintProfile(profile, catalogue)]).toEqual([profile.id, []]);
  });

  it('accepts valid profiles', () => {
    for (const profile of [ARCH, FORMAT, EMULATOR]) expect(problemsOf(profile)).toEqual([]);
  });

  it.each<[string, Partial<Arch>, string]>([
    [
      'a class that differs from the magic',
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
      'magic: is not an ELF header: does not begin with the ELF magic',
    ],
    [
      'another ELF version',
      { magic: bytes(ARCH.magic, 6, '02') },
      'magic: has EI_VERSION 2 at byte 6; expected 1',
    ],
    [
      'magic bits outside the mask',
      { magic: bytes(ARCH.magic, 16, '03') },
      'magic: byte 16 has bits outside the mask',
    ],
    [
      'a masked byte without a reason',
      { masked: [] },
      'mask: byte 16 is not compared completely, and `masked` gives no reason',
    ],
    [
      'a reason without a masked byte',
      { masked: [...ARCH.masked, { bytes: '9-10', field: 'x', why: 'y' }] },
      'masked.1.bytes: 9-10: not a range of bytes that the mask compares partly or ignores',
    ],
    [
      'a reason for a range that ends before it starts',
      { masked: [{ bytes: '16-9', field: 'e_type', why: 'y' }] },
      'masked.0.bytes: 16-9: not a range of bytes that the mask compares partly or ignores',
    ],
    [
      'a mask that matches other machines',
      { mask: bytes(ARCH.mask, 18, 'fe'), magic: bytes(ARCH.magic, 18, '40') },
      'mask: byte 18 must be compared completely: programs of another arch would match',
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
      'a compat that is a property of Object.prototype',
      { compat: ['constructor'] },
      'compat.0: unknown arch constructor',
    ],
    [
      'a Docker platform whose short form is another arch',
      { aliases: { ...ARCH.aliases, docker: ['linux/pdp11', 'linux/armhf'] } },
      'aliases.docker.1: armhf also means arch arm',
    ],
    ['an unknown compat', { compat: ['pdp8'] }, 'compat.0: unknown arch pdp8'],
    ['an overlap with an unknown profile', { overlaps: ['pdp8'] }, 'overlaps.0: unknown arch or format pdp8'],
    ['a wrong overlap', { overlaps: ['arm'] }, 'overlaps.0: no file can match both pdp11 and arm'],
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
      'probe: unknown instruction set: vax',
    ],
  ])('finds %s', (_, change, problem) => {
    expect(problemsOf({ ...ARCH, ...change })).toContain(problem);
  });

  it('finds an overlap that is declared on one side only, or not at all', () => {
    const twin: Arch = { ...ARCH, id: 'twin', aliases: { ...ARCH.aliases, gnu: [], other: [] } };
    expect(problemsOf(twin)).toContain('overlaps: must list pdp11: a file can match both twin and pdp11');
    expect(problemsOf({ ...twin, overlaps: ['pdp11'] })).toContain(
      'overlaps.0: pdp11 must list twin as well',
    );
    expect(problemsOf({ ...twin, overlaps: ['pdp11'] }, { ...ARCH, overlaps: ['twin'] })).toEqual([]);
  });

  it('finds a format that matches the programs of an arch', () => {
    const wide: Format = { ...FORMAT, matches: [{ type: 'magic', offset: 0, magic: '7f454c46' }] };
    expect(problemsOf(wide)).toContain('overlaps: must list x86_64: a file can match both tape and x86_64');
  });

  it('finds magic bits of a format outside their mask', () => {
    const matches = [{ type: 'magic', offset: 0, magic: '4142', mask: 'ff40' }] as const;
    expect(problemsOf({ ...FORMAT, matches })).toEqual(['matches.0.magic: has bits outside the mask']);
  });

  it('finds an alias of a format that is an arch', () => {
    expect(problemsOf({ ...FORMAT, aliases: ['ptape', 'arm64'] })).toEqual([
      'aliases.1: arm64 also means arch aarch64',
    ]);
  });

  it.each<[string, Partial<EmulatorProfile>, string]>([
    ['the name of an arch', { id: 'arm64' }, 'id: arm64 also means arch aarch64'],
    [
      'a host that is a property of Object.prototype',
      { hosts: ['constructor'] },
      'hosts.0: unknown arch constructor',
    ],
    ['an unknown guest', { guests: { pdp8: 'x' } }, 'guests.pdp8: unknown arch or format pdp8'],
    ['an unknown host', { hosts: ['pdp8'] }, 'hosts.0: unknown arch pdp8'],
    [
      'an entry that its guests would share',
      { guests: { pdp11: 'a', arm: 'b' }, entry: 'simh' },
      'entry: must contain {target}: its guests would share one entry',
    ],
    [
      'an unknown placeholder',
      { layouts: [{ distribution: 'd', paths: ['/{guest}'], packages: [], linkage: 'static' }] },
      "layouts.0.paths.0: unknown placeholder {guest}; {target} is the guest's name",
    ],
    [
      'a known problem of an unknown guest',
      { knownBad: [{ range: '*', guests: ['arm'], hosts: ['*'], symptom: 's', wayOut: 'w', source: 'o' }] },
      'knownBad.0.guests.0: unknown guest arm',
    ],
    [
      'mode auto without a version',
      { preserveArgv0: { mode: 'auto' } },
      'preserveArgv0: mode auto requires `since`, the first version that supports flag P',
    ],
  ])('finds %s', (_, change, problem) => {
    expect(problemsOf({ ...EMULATOR, ...change })).toContain(problem);
  });

  it('reports all problems at once', () => {
    const wrong = { ...ARCH, elf: { class: 64, byteOrder: 'big', machine: 1 } as const, compat: ['pdp8'] };
    expect(problemsOf(wrong).length).toBeGreaterThanOrEqual(4);
  });
});

describe('the mask of an emulator', () => {
  const lint = (masks: Readonly<Record<string, string>>) =>
    problemsOf({ ...EMULATOR, masks }).filter((problem) => problem.startsWith('masks'));

  it.each([
    ['matches more files of its arch', { pdp11: bytes(bytes(ARCH.mask, 8, '00'), 9, '00') }, []],
    ['has another length', { pdp11: 'ff' }, ['masks.pdp11: must be as long as the mask of pdp11']],
    ['is for an unknown guest', { arm: ARCH.mask }, ['masks.arm: arm is not an arch among the guests']],
    ['matches fewer files of its arch', { pdp11: bytes(ARCH.mask, 16, 'ff') }, []],
    [
      'matches files of other arches',
      { pdp11: bytes(bytes(ARCH.mask, 18, '00'), 19, '00') },
      [expect.stringContaining('also matches files of ')],
    ],
  ])('that %s', (_, masks, problems) => {
    expect(lint(masks)).toEqual(problems);
  });
});
