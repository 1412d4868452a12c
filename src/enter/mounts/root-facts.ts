import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { BINFMT_MISC_MAGIC } from '../../emulation/find.ts';
import type { Emulation } from '../../emulation/types.ts';
import { hasTtyGroup } from '../../rootfs/ids.ts';
import { allIds } from '../../run/run.ts';
import { inInitialUserNamespace } from '../../system/host.ts';
import type { IdMaps } from '../../system/namespace/id-maps.ts';
import { fileSystemMagic, flagsAt, mountsBelow } from '../../system/namespace/mounts.ts';
import type { EnterRequest } from '../types.ts';
import type { MountPlaces } from './places.ts';
import { type RootFacts, SAFE_NODES } from './root-mounts.ts';

/** Collects the facts that the mounts of a root depend on. */
export function rootFacts(
  root: string,
  request: EnterRequest,
  { rules, maps }: Pick<Emulation, 'rules'> & { readonly maps: IdMaps | null },
  { places, binds }: MountPlaces,
): RootFacts {
  const terminal = terminalPath();
  const userNamespace = maps !== null || inInitialUserNamespace() === false;
  const sys = join(root, places.sys ?? '');
  const sysOfHost = !request.noNetwork && (userNamespace || fileSystemMagic(sys) === SYSFS_MAGIC);
  const all = ['pts', 'shm', ...(terminal === null ? [] : ['console'])];
  return {
    places,
    binds,
    terminal,
    userNamespace,
    realDevices: !userNamespace && all.every((name) => existsSync(`/dev/${name}`)),
    nodes: SAFE_NODES.filter((name) => existsSync(`/dev/${name}`)),
    procOfHost: false,
    instance: instanceFor(rules),
    newNetwork: request.noNetwork,
    hasTtyGroup: hasTtyGroup(maps ?? allIds()),
    sysOfHost,
    sysFlags: flagsAt('/sys'),
    sysMounts: sysOfHost ? mountsBelow('/sys') : [],
  };
}

/** statfs(2). */
const SYSFS_MAGIC = 0x62656572;

/** The instance to show inside. Without a private one, it is the machine's: otherwise a package inside could mount and change it. */
function instanceFor(rules: Emulation['rules']): RootFacts['instance'] {
  if (rules !== null) return 'private';
  return fileSystemMagic(BINFMT_DIRECTORY) === BINFMT_MISC_MAGIC ? 'machine' : null;
}

/** The path of the terminal of the standard streams; null if there is none. */
function terminalPath(): string | null {
  const stream = [0, 1, 2].find((each) => isatty(each));
  if (stream === undefined) return null;
  const path = readlinkSync(`/proc/self/fd/${stream}`);
  return path.startsWith('/') && existsSync(path) ? path : null;
}
