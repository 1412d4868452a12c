import { BinfmtctlError } from '../errors.ts';
import { parseHex } from '../rule/hex.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern } from '../rule/types.ts';
import { nearest } from './nearest.ts';
import type { Arch, Catalogue, EmulatorProfile, Profile } from './types.ts';

/**
 * Finds the arch for a name in any spelling: an id, a Docker platform, a GNU triplet, or uname's, Debian's, Go's or RPM's name.
 * The vendor of a triplet is optional. Ignores case.
 *
 * @throws UNKNOWN_ARCH, with the nearest known name as a hint.
 */
export function findArch(catalogue: Catalogue, name: string): Arch {
  const names = arches(catalogue);
  const requested = name.trim().toLowerCase();
  const found =
    names.get(requested) ?? names.get(withoutVendor(requested)) ?? names.get(withoutVariant(requested));
  if (found !== undefined) return found;
  const known = nearest(requested, names.keys());
  throw new BinfmtctlError('UNKNOWN_ARCH', `unknown architecture ${JSON.stringify(name)}`, {
    hint: known === null ? '`binfmtctl catalogue list` shows all architectures' : `did you mean ${known}?`,
  });
}

/** Finds the arches for a list of names, each of which may be a comma-separated list. Returns each arch once, in order. */
export function findArches(catalogue: Catalogue, names: readonly string[]): readonly Arch[] {
  const each = names.flatMap((name) => name.split(',')).filter((name) => name.trim() !== '');
  return [...new Set(each.map((name) => findArch(catalogue, name)))];
}

/** Finds a profile of any kind: an emulator or a format by its id, else an arch in any spelling. */
export function findProfile(catalogue: Catalogue, name: string): Profile {
  const id = name.toLowerCase();
  const formats = Object.values(catalogue.formats);
  const format = formats.find((each) => each.id === id || each.aliases.includes(id));
  const emulator = Object.hasOwn(catalogue.emulators, id) ? catalogue.emulators[id] : undefined;
  return emulator ?? format ?? findArch(catalogue, name);
}

/** Returns the arch whose `programPattern` matches the first 256 bytes of a file; null if none does. */
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

/** The pattern of an arch's files, at offset 0. Returns the same object for the same arch. */
export function archPattern(arch: Arch): MagicPattern {
  const known = patterns.get(arch);
  if (known !== undefined) return known;
  const { id, magic, mask } = arch;
  const pattern = { type: 'magic', offset: 0, magic: bytesOf(id, magic), mask: bytesOf(id, mask) } as const;
  patterns.set(arch, pattern);
  return pattern;
}

/** The pattern of an emulator's entry for an arch. */
export function emulatorPattern(arch: Arch, { id, masks }: EmulatorProfile): MagicPattern {
  const pattern = archPattern(arch);
  const mask = masks?.[arch.id];
  return mask === undefined ? pattern : { ...pattern, mask: bytesOf(id, mask) };
}

// `status` needs every pattern for each entry. Without this cache, parsing them takes a tenth of its time.
const patterns = new WeakMap<Arch, MagicPattern>();

/** Returns the emulators that run `guest` on `host`, those with most guests first: QEMU. */
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
  // An id takes precedence over aliases of other arches.
  for (const arch of all) index.set(arch.id.toLowerCase(), arch);
  indexes.set(catalogue, index);
  return index;
}

/** Returns the id and all aliases of an arch. Docker platforms are also listed without `linux/`. */
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

/** Maps a Docker variant that is not in the catalogue to its arch: `linux/amd64/v5` → `linux/amd64`. */
function withoutVariant(name: string): string {
  return name.replace(/^((?:linux\/)?[^/]+)\/v\d+(?:\.\d+)?$/, '$1');
}

function bytesOf(id: string, hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes !== null) return bytes;
  throw new BinfmtctlError('BAD_PROFILE', `profile ${id}: invalid hex: ${hex}`, {
    hint: '`binfmtctl catalogue lint` names the file and line',
  });
}
