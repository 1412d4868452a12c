import { displayName } from '../catalogue/display-name.ts';
import { knownBadFor } from '../catalogue/known-bad.ts';
import type { Arch, KnownBad } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { DEFAULT_IMAGE_EMULATORS, DEFAULT_IMAGE_GUESTS, DEFAULT_IMAGE_VERSION } from '../sources/oci.ts';
import { kernelVersion } from '../system/host.ts';
import { pageSize } from '../system/page-size.ts';
import type { FoundEmulator } from './found.ts';

/** Known problems of the emulator's version on this machine. */
export async function knownProblems(
  { arch, profile, emulator: { version } }: FoundEmulator,
  host: Arch,
): Promise<readonly KnownBad[]> {
  if (profile.knownBad.length === 0) return [];
  const kernel = kernelVersion().join('.');
  return knownBadFor(profile, { version, guest: arch.id, host: host.id, kernel, pageSize: pageSize() });
}

/** @throws EMULATOR_UNFIT if there are known problems. */
export function assertNotKnownBad(
  { arch, profile, emulator }: FoundEmulator,
  [first, ...others]: readonly KnownBad[],
): void {
  if (first === undefined) return;
  const what = `${nameOf({ profile, emulator })} has known problems with ${arch.id}`;
  const why = [first, ...others].map(({ symptom, source }) => `${symptom} (${source})`).join('; ');
  const wayOut = [...new Set([first, ...others].map((each) => each.wayOut))].join('; ');
  throw new BinfmtctlError(
    'EMULATOR_UNFIT',
    `cannot use emulator ${emulator.from ?? emulator.path}: ${what}: ${why}`,
    { hint: `${wayOut}; or omit --strict to get a warning instead` },
  );
}

interface KnownBadContext {
  readonly host: Arch;
  /** Whether the caller is `install` and leaves the emulator open. */
  readonly isInstall?: boolean | undefined;
}

/** Warns in one line of each emulator that is known to break programs of the arches it was found for. */
export async function warnOfKnownBad(
  found: readonly FoundEmulator[],
  { host, isInstall = false }: KnownBadContext,
  { report }: Context,
): Promise<void> {
  const affected = new Map<string, { each: FoundEmulator; problems: readonly KnownBad[] }[]>();
  for (const each of found) {
    const problems = (await knownProblems(each, host)).filter(({ minor }) => minor !== true);
    const name = nameOf(each);
    if (problems.length > 0) affected.set(name, [...(affected.get(name) ?? []), { each, problems }]);
  }
  for (const [name, group] of affected) {
    const problems = [...new Set(group.flatMap((one) => one.problems))];
    const all = group.map(({ each }) => each);
    const names = all.map(({ arch }) => displayName(arch));
    const symptoms = problems.map(({ symptom, source }) => `${symptom} (${source})`).join('; ');
    const avoidable = (await Promise.all(all.map((each) => isGoodInImage(each, host)))).flatMap(
      (good, index) => (good ? (names[index] ?? []) : []),
    );
    const wayOut =
      avoidable.length > 0
        ? avoidedBy(avoidable, { isInstall, isPart: avoidable.length < all.length })
        : [...new Set(problems.map((each) => each.wayOut))].join('; ');
    report({
      kind: 'warning',
      text: `${name} has a known problem with ${describeArches(names)}: ${symptoms}; ${wayOut}`,
    });
  }
}

function avoidedBy(
  names: readonly string[],
  { isInstall, isPart }: { readonly isInstall: boolean; readonly isPart: boolean },
): string {
  if (!isInstall) return `\`--source oci\` takes QEMU ${DEFAULT_IMAGE_VERSION} instead`;
  const which = isPart ? ` for ${describeArches(names)}` : '';
  return `to avoid it${which}, run \`sudo binfmtctl install ${names.join(' ')} --source oci\``;
}

/** Whether the pinned image has an emulator for that arch that is better. */
async function isGoodInImage(found: FoundEmulator, host: Arch): Promise<boolean> {
  const { arch, profile, emulator } = found;
  if (!DEFAULT_IMAGE_EMULATORS.includes(profile.id) || !DEFAULT_IMAGE_GUESTS.includes(arch.id)) return false;
  const other = { ...found, emulator: { ...emulator, version: DEFAULT_IMAGE_VERSION } };
  return (await knownProblems(other, host)).length === 0;
}

const nameOf = ({ profile, emulator }: Pick<FoundEmulator, 'profile' | 'emulator'>): string =>
  emulator.version === null ? profile.id : `${profile.id} ${emulator.version}`;
