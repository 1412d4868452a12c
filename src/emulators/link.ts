/** Links by which other tools find emulators, such as `/usr/bin/qemu-aarch64-static`. Pure. */
import { normalize } from 'node:path';
import { isRecord } from '../text/json.ts';

/** A link that `install --link` created, and the emulator that it leads to. */
export interface EmulatorLink {
  readonly path: string;
  /** The emulator's path. */
  readonly target: string;
}

/**
 * Whether a link of an emulator may be at `path`. A registration that another program wrote must not make `uninstall` remove
 * other links of the system.
 */
export const isLinkPath = (path: string): boolean =>
  path.startsWith('/') && normalize(path) === path && /\/[\w.+]+(?:-[\w.+]+)*-static$/.test(path);

export const isLinkTarget = (target: string): boolean =>
  target.startsWith('/') && normalize(target) === target;

/** The links in a registration; null if the value is not a list of links. */
export function decodeLinks(value: unknown): readonly EmulatorLink[] | null {
  if (!Array.isArray(value)) return null;
  const links = value.flatMap((each: unknown) => {
    if (!isRecord(each)) return [];
    const { path, target } = each;
    const isLink =
      typeof path === 'string' && typeof target === 'string' && isLinkPath(path) && isLinkTarget(target);
    return isLink ? [{ path, target }] : [];
  });
  return links.length === value.length ? links : null;
}
