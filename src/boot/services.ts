/** Which init system booted this machine, and which of its services register binfmt_misc rules at boot. */
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isFile, isFolder } from '../system/file/is-file.ts';
import { listNames } from '../system/file/list.ts';
import { container } from '../system/host.ts';
import { type Mount, readMounts } from '../system/namespace/mounts.ts';
import type { BootFacts, BootService, BootState, Init } from './persistence.ts';

/** systemd.unit(5), highest priority first, without the directories in /run: those are empty at boot. */
const UNIT_DIRECTORIES = [
  'etc/systemd/system.control',
  'etc/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/lib/systemd/system',
  'lib/systemd/system',
];

/** Targets that every normal boot reaches. */
const BOOT_TARGETS = ['sysinit', 'local-fs', 'basic', 'multi-user', 'graphical', 'default'];

/** OpenRC's runlevels and the symbolic ones of sysvinit that a normal boot enters. */
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

/** sd_booted(3); OpenRC creates its state directory at boot; sysvinit has no other mark than its name and inittab. */
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

/** Its ConditionPathIsMountPoint= holds only if the automount or the mount unit was started before it. */
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
  const folders = UNIT_DIRECTORIES.map((folder) => join(root, folder));
  const unit = folders.map((folder) => join(folder, name)).find(exists);
  if (unit === undefined) return 'missing';
  if (isMask(unit)) return 'masked';
  return BOOT_TARGETS.some((target) => isPulledIn(folders, target, name)) ? 'enabled' : 'disabled';
}

/** A link in a directory of higher priority replaces the same one of a lower: to /dev/null, it removes the dependency. */
function isPulledIn(folders: readonly string[], target: string, name: string): boolean {
  return ['wants', 'requires'].some((kind) => {
    const link = folders.map((folder) => join(folder, `${target}.target.${kind}`, name)).find(exists);
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

function namesIn(folder: string): readonly string[] {
  return isFolder(folder) ? listNames(folder) : [];
}

/** Also for a dangling link: units of a package are often links. */
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
