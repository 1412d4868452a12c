import type { EmulatorProfile } from '../catalogue/types.ts';
import { fileNames } from '../emulators/names.ts';
import { BinfmtctlError } from '../errors.ts';
import type { EmulatorTarget } from './types.ts';

/** The architecture and profile of a single emulator file. */
export interface ChosenTarget {
  /** Id of the arch. */
  readonly guest: string;
  readonly profile: EmulatorProfile;
}

/** Messages list architectures up to this number. */
const MAX_LISTED = 5;

/**
 * Determines the target of a single emulator file: the only target, or the target that the file's name matches. Null if
 * there are no targets.
 *
 * @param what the file's name in messages
 * @param hint how to provide several emulators
 * @throws BAD_SOURCE if there are several targets and the name matches none or more than one.
 */
export function chooseTarget(
  name: string,
  what: string,
  targets: readonly EmulatorTarget[],
  hint: string,
): ChosenTarget | null {
  const matching = targets.length > 1 ? targets.filter((target) => isNamed(name, target)) : targets;
  const [target] = matching;
  if (targets.length > 1 && (target === undefined || matching.length > 1)) {
    const guests = targets.length > MAX_LISTED ? '' : `: ${targets.map(({ guest }) => guest).join(', ')}`;
    const message = `${what} is a single emulator, but ${targets.length} architectures are requested${guests}`;
    throw new BinfmtctlError('BAD_SOURCE', message, {
      hint: `request one architecture, give the file the usual name of its emulator, or ${hint}`,
    });
  }
  // Several emulators can run some architectures; the file's name tells which one it is.
  const profile =
    target?.profiles.find((each) => name.toLowerCase().includes(each.id)) ?? target?.profiles[0];
  return target === undefined || profile === undefined ? null : { guest: target.guest, profile };
}

/** Also matches `x86_64_qemu-aarch64-static`: multiarch/qemu-user-static prefixes names with the host. */
const isNamed = (name: string, { guest, profiles }: EmulatorTarget): boolean =>
  profiles.some((profile) =>
    fileNames(profile, guest).some((usual) => name === usual || name.endsWith(`_${usual}`)),
  );
