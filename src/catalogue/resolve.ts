import { BinfmtctlError } from '../errors.ts';
import { parseHex } from '../rule/hex.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern } from '../rule/types.ts';
import { nearest } from './nearest.ts';
import type { Arch, Catalogue, EmulatorProfile, Profile } from './types.ts';

/**
 * The arch that a name means, in any spelling: an id, a Docker platform, a GNU triplet with or without vendor, what
 * uname, Debian, Go or RPM call it; upper and lower case are the same.
 *
 * @throws UNKNOWN_ARCH, with the nearest known name as hint.
 */
export function findArch(catalogue: Catalogue, name: string): Arch {
  const names = arches(catalogue);
  const requested = name.trim().toLowerCase();
  const found =
    names.get(requested) ?? names.get(withoutVendor(requested)) ?? names.get(withoutVariant(requested));
  if (found !== undefined) return found;
  const known = nearest(requested, names.keys());
  throw new BinfmtctlError('UNKNOWN_ARCH', `unknown architecture ${JSON.stringify(name)}`, {
    hint: known === null ? '`binfmtctl catalogue list` shows all that are known' : `did you mean ${known}?`,
  });
}

/** The arches that a list of names means, commas within a name included; in order, each once. */
export function findArches(catalogue: Catalogue, names: readonly string[]): readonly Arch[] {
  const each = names.flatMap((name) => name.split(',')).filter((name) => name.trim() !== '');
  return [...new Set(each.map((name) => findArch(catalogue, name)))];
}

/** Any profile: an emulator or a format by its id, else an arch in any spelling. */
export function findProfile(catalogue: Catalogue, name: string): Profile {
  const id = name.toLowerCase();
  const formats = Object.values(catalogue.formats);
  const format = formats.find((each) => each.id === id || each.aliases.includes(id));
  const emulator = Object.hasOwn(catalogue.emulators, id) ? catalogue.emulators[id] : undefined;
  return emulator ?? format ?? findArch(catalogue, name);
}

/** The arch of a file by its first 256 bytes, as `programPattern` decides; null for another format. */
export function archOfHeader(catalogue: Catalogue, head: Uint8Array): Arch | null {
  return Object.values(catalogue.arches).find((arch) => matches(programPattern(arch), head, '')) ?? null;
}

/**
 * As `archPattern`, but without bytes 7 to 10: the kernel's ELF loader ignores them (fs/binfmt_elf.c, load_elf_binary()),
 * and so does QEMU. AppImages have `AI` and their type in bytes 8 to 10.
 */
export function programPattern(arch: Arch): MagicPattern {
  const known = programPatterns.get(arch);
  if (known !== undefined) return known;
  const { magic, mask } = archPattern(arch);
  const pattern = {
    type: 'magic',
    offset: 0,
    magic: magic.slice().fill(0, EI_OSABI, APP_IMAGE_END),
    mask: (mask ?? magic.map(() => 0xff)).slice().fill(0, EI_OSABI, APP_IMAGE_END),
  } as const;
  programPatterns.set(arch, pattern);
  return pattern;
}

const EI_OSABI = 7;
const APP_IMAGE_END = 11;
const programPatterns = new WeakMap<Arch, MagicPattern>();

/** What a file of the arch looks like: from its first byte on. The same object for the same arch. */
export function archPattern(arch: Arch): MagicPattern {
  const known = patterns.get(arch);
  if (known !== undefined) return known;
  const { id, magic, mask } = arch;
  const pattern = { type: 'magic', offset: 0, magic: bytesOf(id, magic), mask: bytesOf(id, mask) } as const;
  patterns.set(arch, pattern);
  return pattern;
}

/** What an emulator's entry for the arch takes. */
export function emulatorPattern(arch: Arch, { id, masks }: EmulatorProfile): MagicPattern {
  const pattern = archPattern(arch);
  const mask = masks?.[arch.id];
  return mask === undefined ? pattern : { ...pattern, mask: bytesOf(id, mask) };
}

// To tell the arches of all entries asks for every pattern once an entry: to read each anew takes a tenth of `status`.
const patterns = new WeakMap<Arch, MagicPattern>();

/** The emulators that run `guest` on `host`; QEMU, which runs everything, comes first. */
export function emulatorsFor(
  { emulators }: Catalogue,
  guest: string,
  host: string,
): readonly EmulatorProfile[] {
  const fitting = Object.values(emulators).filter(
    ({ guests, hosts }) => Object.hasOwn(guests, guest) && hosts.includes(host),
  );
  return fitting.toSorted((a, b) => Object.keys(b.guests).length - Object.keys(a.guests).length);
}

const indexes = new WeakMap<Catalogue, ReadonlyMap<string, Arch>>();

/** Every spelling of every arch, in lower case. */
function arches(catalogue: Catalogue): ReadonlyMap<string, Arch> {
  const known = indexes.get(catalogue);
  if (known !== undefined) return known;
  const all = Object.values(catalogue.arches);
  const index = new Map(
    all.flatMap((arch) => spellings(arch).map((name) => [name.toLowerCase(), arch] as const)),
  );
  // An id always means its own arch, whatever the aliases of another say.
  for (const arch of all) index.set(arch.id.toLowerCase(), arch);
  indexes.set(catalogue, index);
  return index;
}

/** The id of an arch and all its aliases; Docker platforms also without `linux/`. */
export function spellings({ id, aliases }: Arch): readonly string[] {
  const { docker } = aliases;
  const short = docker.filter((name) => name.startsWith('linux/')).map((name) => name.slice('linux/'.length));
  return [...new Set([id, ...Object.values(aliases).flat(), ...short])];
}

/** `aarch64-unknown-linux-gnu` → `aarch64-linux-gnu`. */
function withoutVendor(name: string): string {
  const parts = name.split('-');
  return parts.length === 4 ? [parts[0], ...parts.slice(2)].join('-') : name;
}

/** A Docker variant that is newer than this catalogue is still of its arch: `linux/amd64/v5` → `linux/amd64`. */
function withoutVariant(name: string): string {
  return name.replace(/^((?:linux\/)?[^/]+)\/v\d+(?:\.\d+)?$/, '$1');
}

function bytesOf(id: string, hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes !== null) return bytes;
  throw new BinfmtctlError('BAD_PROFILE', `profile ${id}: ${hex} is not hex`, {
    hint: '`binfmtctl catalogue lint` shows where',
  });
}
