/** Detects the init system of this machine, and its services that register binfmt_misc rules at boot. */
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { container } from '../system/container.ts';
import { isFile, isFolder } from '../system/file/is-file.ts';
import { listNames } from '../system/file/list.ts';
import { type Mount, readMounts } from '../system/namespace/mounts.ts';
import type { BootFacts, BootService, BootState, Init } from './persistence.ts';

/** systemd.unit(5), highest priority first, without the directories in /run, which are empty at boot. */
const UNIT_DIRECTORIES = [
  'etc/systemd/system.control',
  'etc/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/lib/systemd/system',
  'lib/systemd/system',
];

/** The targets of a normal boot. */
const BOOT_TARGETS = ['sysinit', 'local-fs', 'basic', 'multi-user', 'graphical', 'default'];

/** The runlevels of a normal boot. */
const OPENRC_LEVELS = ['sysinit', 'boot', 'default'];
const SYSV_LEVELS = ['S', '2', '3', '4', '5'];

export interface BootOptions {
  /** The root file system to look at. */
  readonly root?: string;
  readonly mounts?: readonly Mount[];
  readonly inImage?: boolean | undefined;
}

export function readBootFacts({
  root = '/',
  mounts = readMounts(),
  inImage = false,
}: BootOptions = {}): BootFacts {
  const init = initOf(root);
  return {
    init,
    process1: textOf(join(root, 'proc/1/comm')).trim() || 'unknown',
    container: container(),
    inImage,
    services: init === null ? [] : SERVICES[init](root, mounts),
  };
}

/** sd_booted(3); OpenRC creates its state directory at boot; sysvinit is only recognizable by its name and inittab. */
function initOf(root: string): Init | null {
  if (isFolder(join(root, 'run/systemd/system'))) return 'systemd';
  if (isFile(join(root, 'run/openrc/softlevel'))) return 'openrc';
  const isInit = textOf(join(root, 'proc/1/comm')).trim() === 'init';
  return isInit && isFile(join(root, 'etc/inittab')) && isFolder(join(root, 'etc/rcS.d')) ? 'sysvinit' : null;
}

const SERVICES: Readonly<Record<Init, (root: string, mounts: readonly Mount[]) => readonly BootService[]>> = {
  systemd: (root, mounts) => [
    {
      name: 'systemd-binfmt.service',
      reads: 'binfmt.d',
      state: binfmtUnitState(root, mounts),
    },
    {
      name: 'binfmt-support.service',
      reads: 'binfmt-support',
      state: unitState(root, 'binfmt-support.service'),
    },
  ],
  openrc: (root) => [
    { name: 'binfmt', reads: 'binfmt.d', state: scriptState(root, 'binfmt', isInOpenrcLevel) },
    {
      name: 'binfmt-support',
      reads: 'binfmt-support',
      state: scriptState(root, 'binfmt-support', isInOpenrcLevel),
    },
  ],
  sysvinit: (root) => [
    {
      name: 'binfmt-support',
      reads: 'binfmt-support',
      state: scriptState(root, 'binfmt-support', isInSysvLevel),
    },
  ],
};

/** The unit has ConditionPathIsMountPoint=, so the automount or the mount unit must start before it. */
function binfmtUnitState(root: string, mounts: readonly Mount[]): BootState {
  const state = unitState(root, 'systemd-binfmt.service');
  if (state !== 'enabled') return state;
  const units = ['proc-sys-fs-binfmt_misc.automount', 'proc-sys-fs-binfmt_misc.mount'];
  const mountsAtBoot = units.some((unit) => unitState(root, unit) === 'enabled') || isInFstab(root);
  if (isProcSysReadOnly(mounts)) return 'read-only';
  return mountsAtBoot ? 'enabled' : 'unmounted';
}

const isInFstab = (root: string): boolean =>
  /^\s*[^#\s]\S*\s+\/proc\/sys\/fs\/binfmt_misc\s/m.test(textOf(join(root, 'etc/fstab')));

function isProcSysReadOnly(mounts: readonly Mount[]): boolean {
  return mounts.findLast(({ mountPoint }) => mountPoint === '/proc/sys')?.options.includes('ro') === true;
}

function unitState(root: string, name: string): BootState {
  const directories = UNIT_DIRECTORIES.map((directory) => join(root, directory));
  const unit = directories.map((directory) => join(directory, name)).find(exists);
  if (unit === undefined) return 'missing';
  if (isMask(unit)) return 'masked';
  return BOOT_TARGETS.some((target) => isPulledIn(directories, target, name)) ? 'enabled' : 'disabled';
}

/** A link in a directory of higher priority overrides the same link in a lower one. A link to /dev/null removes the dependency. */
function isPulledIn(directories: readonly string[], target: string, name: string): boolean {
  return ['wants', 'requires'].some((kind) => {
    const link = directories
      .map((directory) => join(directory, `${target}.target.${kind}`, name))
      .find(exists);
    return link !== undefined && !isMask(link);
  });
}

/** A link to /dev/null, or an empty file. */
function isMask(path: string): boolean {
  try {
    if (lstatSync(path).isSymbolicLink()) return readlinkSync(path) === '/dev/null';
    return statSync(path).size === 0;
  } catch {
    return false;
  }
}

function scriptState(
  root: string,
  name: string,
  isEnabled: (root: string, name: string) => boolean,
): BootState {
  if (!isFile(join(root, 'etc/init.d', name))) return 'missing';
  return isEnabled(root, name) ? 'enabled' : 'disabled';
}

const isInOpenrcLevel = (root: string, name: string): boolean =>
  OPENRC_LEVELS.some((level) => exists(join(root, 'etc/runlevels', level, name)));

const isInSysvLevel = (root: string, name: string): boolean =>
  SYSV_LEVELS.some((level) =>
    namesIn(join(root, `etc/rc${level}.d`)).some((each) => /^S\d\d/.test(each) && each.slice(3) === name),
  );

function namesIn(directory: string): readonly string[] {
  return isFolder(directory) ? listNames(directory) : [];
}

/** True for a dangling link as well: unit files are often links. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
