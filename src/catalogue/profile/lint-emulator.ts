/** Checks an emulator profile: the ids that it names, its masks, and the placeholder `{target}`. */
import { overlap } from '../../rule/algebra.ts';
import { archPattern, emulatorPattern } from '../resolve.ts';
import type { Catalogue, EmulatorProfile } from '../types.ts';
import type { ProfileProblem } from './schema.ts';

/** Finds problems of an emulator profile in a catalogue. */
export function lintEmulator(
  profile: EmulatorProfile,
  { arches, formats }: Catalogue,
): readonly ProfileProblem[] {
  const { guests, hosts, knownBad } = profile;
  const unknown = (
    path: readonly (string | number)[],
    id: string,
    known: boolean,
    what: string,
  ): readonly ProfileProblem[] => (known || id === '*' ? [] : [{ path, message: `unknown ${what} ${id}` }]);
  return [
    ...Object.keys(guests).flatMap((id) =>
      unknown(['guests', id], id, Object.hasOwn(arches, id) || Object.hasOwn(formats, id), 'arch or format'),
    ),
    ...hosts.flatMap((id, index) => unknown(['hosts', index], id, Object.hasOwn(arches, id), 'arch')),
    ...knownBad.flatMap((bad, at) => [
      ...bad.guests.flatMap((id, index) =>
        unknown(['knownBad', at, 'guests', index], id, Object.hasOwn(guests, id), 'guest'),
      ),
      ...bad.hosts.flatMap((id, index) =>
        unknown(['knownBad', at, 'hosts', index], id, hosts.includes(id), 'host'),
      ),
    ]),
    ...lintPlaceholders(profile),
    ...lintMasks(profile, arches),
    ...(profile.preserveArgv0.mode === 'auto' && profile.preserveArgv0.since === undefined
      ? [
          {
            path: ['preserveArgv0'],
            message: 'mode auto requires `since`, the first version that supports flag P',
          },
        ]
      : []),
  ];
}

/** A mask may match more or fewer files of its arch, but no files of another arch. */
function lintMasks(profile: EmulatorProfile, arches: Catalogue['arches']): readonly ProfileProblem[] {
  return Object.entries(profile.masks ?? {}).flatMap(([id, mask]): readonly ProfileProblem[] => {
    const path = ['masks', id];
    const arch = Object.hasOwn(profile.guests, id) ? arches[id] : undefined;
    if (arch === undefined) return [{ path, message: `${id} is not an arch among the guests` }];
    if (mask.length !== arch.mask.length) return [{ path, message: `must be as long as the mask of ${id}` }];
    const pattern = emulatorPattern(arch, profile);
    const others = Object.values(arches).filter((each) => each !== arch && !arch.overlaps.includes(each.id));
    const matched = others.find((each) => overlap(pattern, archPattern(each)));
    return matched === undefined ? [] : [{ path, message: `also matches files of ${matched.id}` }];
  });
}

function lintPlaceholders({ guests, entry, layouts }: EmulatorProfile): readonly ProfileProblem[] {
  const texts = [
    { path: ['entry'], text: entry },
    ...layouts.flatMap(({ paths, packages }, at) => [
      ...paths.map((text, index) => ({ path: ['layouts', at, 'paths', index], text })),
      ...packages.map((text, index) => ({ path: ['layouts', at, 'packages', index], text })),
    ]),
  ];
  const unknown = texts.flatMap(({ path, text }) =>
    (text.match(/\{[^}]*\}?/g) ?? [])
      .filter((each) => each !== '{target}')
      .map((each) => ({ path, message: `unknown placeholder ${each}; {target} is the guest's name` })),
  );
  const shared = Object.keys(guests).length > 1 && !entry.includes('{target}');
  return shared
    ? [...unknown, { path: ['entry'], message: 'must contain {target}: its guests would share one entry' }]
    : unknown;
}
