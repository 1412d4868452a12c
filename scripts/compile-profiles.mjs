// Compiles profiles/ into src/profiles/builtin.json, so that no YAML is parsed at startup.
//   node scripts/compile-profiles.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Writes the compiled catalogue without validation: `catalogue lint` checks the profiles. */
export function compileProfiles() {
  const kinds = { arches: 'arch', formats: 'format', emulators: 'emulator' };
  const catalogue = Object.fromEntries(
    Object.entries(kinds).map(([key, folder]) => [key, profilesIn(folder)]),
  );
  writeFileSync(join(ROOT, 'src/profiles/builtin.json'), JSON.stringify(catalogue));
}

function profilesIn(folder) {
  const directory = join(ROOT, 'profiles', folder);
  const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
  const profiles = files.sort().map((name) => parse(readFileSync(join(directory, name), 'utf8')));
  return Object.fromEntries(profiles.map((profile) => [profile.id, withHex(profile)]));
}

function withHex(profile) {
  const compact = (value) => value.replace(/\s+/g, '').toLowerCase();
  const inMatch = (match) =>
    Object.fromEntries(
      Object.entries(match).map(([key, value]) => [
        key,
        key === 'magic' || key === 'mask' ? compact(value) : value,
      ]),
    );
  if (profile.kind === 'arch')
    return { ...profile, magic: compact(profile.magic), mask: compact(profile.mask) };
  if (profile.kind === 'format') return { ...profile, matches: profile.matches.map(inMatch) };
  const masks = Object.entries(profile.masks ?? {}).map(([id, mask]) => [id, compact(mask)]);
  return masks.length === 0 ? profile : { ...profile, masks: Object.fromEntries(masks) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileProfiles();
