/** A machine on which systemd-binfmt and binfmt-support run at boot, for commands that see only these files. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { inShell } from './command.ts';

export interface SystemdMachine {
  /** Directories that the commands see as /etc/binfmt.d and /var/lib/binfmts. */
  readonly binfmtD: string;
  readonly admin: string;
  /** For `within`: with a copy of /etc, an empty /var/lib, and /run as systemd creates it, or empty. */
  readonly within: readonly string[];
  readonly withoutInit: readonly string[];
  /** Creates the files. Must be called before the first command. */
  readonly create: () => void;
  /** Empties /etc/binfmt.d and /var/lib/binfmts. */
  readonly clear: () => void;
}

/** Directories of emulators and rules from the machine's packages. */
const HIDE_PACKAGES = [
  'for path in /usr/lib/binfmt.d /usr/libexec/qemu-binfmt; do [ ! -d $path ] || mount -t tmpfs tmpfs $path || exit; done',
  'for path in /usr/bin/qemu-*-static; do [ ! -e $path ] || mount --bind /dev/null $path || exit; done',
].join(' && ');

export function systemdMachine(folder: string): SystemdMachine {
  const binfmtD = join(folder, 'etc/binfmt.d');
  const admin = join(folder, 'lib/binfmts');
  const units = join(folder, 'etc/systemd/system');
  const withoutInit = inShell(
    `mount --bind ${join(folder, 'etc')} /etc && mount --bind ${join(folder, 'lib')} /var/lib && mount -t tmpfs tmpfs /run && ${HIDE_PACKAGES}`,
  );
  const within = [...withoutInit, ...inShell('mkdir -p /run/systemd/system')];
  const create = (): void => {
    execFileSync('cp', ['-a', '/etc', folder]);
    rmSync(binfmtD, { recursive: true, force: true });
    for (const path of [binfmtD, admin]) mkdirSync(path, { recursive: true });
    const [systemd = ''] = unpackPackages('systemd');
    cpSync(join(systemd, 'lib/systemd/system'), units, { recursive: true });
    mkdirSync(join(units, 'multi-user.target.wants'), { recursive: true });
    for (const path of ['', 'multi-user.target.wants'])
      writeFileSync(join(units, path, 'binfmt-support.service'), '[Service]\nExecStart=/bin/true\n');
  };
  const clear = (): void => {
    for (const path of [binfmtD, admin])
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  };
  return { binfmtD, admin, within, withoutInit, create, clear };
}

/** Registers the rules of files like systemd at boot. */
export function runSystemdBinfmt(files: readonly string[]): void {
  const [systemd = '', shared = ''] = unpackPackages('systemd', 'libsystemd-shared');
  execFileSync(join(systemd, 'lib/systemd/systemd-binfmt'), files, {
    env: { LD_LIBRARY_PATH: join(shared, 'usr/lib/x86_64-linux-gnu/systemd') },
  });
}
