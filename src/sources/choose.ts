import type { EmulatorProfile } from '../catalogue/types.ts';
import { fileNames } from '../emulators/names.ts';
import { BinfmtctlError } from '../errors.ts';
import type { EmulatorTarget } from './types.ts';

/** What a single file is the emulator of. */
export interface ChosenTarget {
  /** Id of the arch. */
  readonly guest: string;
  readonly profile: EmulatorProfile;
}

/** A message lists no more architectures than this. */
const FEW = 5;

/**
 * Finds what a single emulator is for: the only architecture, else the one that the file's name says. Null without any.
 *
 * @param what what messages call the file
 * @param hint another source, for several architectures
 * @throws BAD_SOURCE for several architectures, of which the name says none or more than one.
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
    const guests = targets.length > FEW ? '' : `: ${targets.map(({ guest }) => guest).join(', ')}`;
    const message = `${what} is one emulator, but ${targets.length} architectures are needed${guests}`;
    throw new BinfmtctlError('BAD_SOURCE', message, {
      hint: `name one architecture, name the file as its emulator is usually named, or ${hint}`,
    });
  }
  // Several emulators can run some architectures: the file's name says which one it is.
  const profile =
    target?.profiles.find((each) => name.toLowerCase().includes(each.id)) ?? target?.profiles[0];
  return target === undefined || profile === undefined ? null : { guest: target.guest, profile };
}

/** `x86_64_qemu-aarch64-static`, too, as multiarch/qemu-user-static names them by host. */
const isNamed = (name: string, { guest, profiles }: EmulatorTarget): boolean =>
  profiles.some((profile) =>
    fileNames(profile, guest).some((usual) => name === usual || name.endsWith(`_${usual}`)),
  );
