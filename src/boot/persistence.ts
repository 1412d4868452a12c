/** Determines which service registers rules at boot on this machine. Pure. */
import { BinfmtctlError } from '../errors.ts';

/** How rules are registered again after a reboot. */
export type Persistence = 'auto' | 'binfmt.d' | 'binfmt-support' | 'none';

/** The file formats that boot services read. */
export type BootFormat = Exclude<Persistence, 'auto' | 'none'>;

export type Init = 'systemd' | 'openrc' | 'sysvinit';

/** A service that registers the rules of one format at boot. */
export interface BootService {
  readonly name: string;
  readonly reads: BootFormat;
  readonly state: BootState;
}

/** `unmounted` and `read-only`: the service is enabled, but systemd will skip it for that reason. */
export type BootState = 'enabled' | 'disabled' | 'masked' | 'missing' | 'unmounted' | 'read-only';

export interface BootFacts {
  /** The init system that booted this machine; null for any other process 1. */
  readonly init: Init | null;
  /** Name of process 1. */
  readonly process1: string;
  readonly container: string | null;
  /** Whether this is binfmtctl's own container image. */
  readonly inImage: boolean;
  /** The services of `init`. */
  readonly services: readonly BootService[];
}

export interface PersistenceChoice {
  readonly how: BootFormat | 'none';
  /** Why `auto` persists nothing; null if it does. */
  readonly warning: string | null;
}

export const BOOT_FORMATS: readonly BootFormat[] = ['binfmt.d', 'binfmt-support'];

/**
 * Returns the format that a service of this machine reads at boot. Without such a service, `auto` persists nothing and warns.
 * `words` follow `binfmtctl install` in the commands of hints.
 *
 * @throws NO_TOOL if no service reads the requested format; USAGE in binfmtctl's container image.
 */
export function decidePersistence(
  requested: Persistence,
  facts: BootFacts,
  words: string,
): PersistenceChoice {
  if (requested === 'none') return { how: 'none', warning: null };
  if (facts.inImage) throw imageError(words);
  if (requested === 'auto') {
    const how = BOOT_FORMATS.find((format) => isReadAtBoot(format, facts));
    if (how !== undefined) return { how, warning: null };
    const [why, hint] = diagnose('binfmt.d', facts, words);
    return { how: 'none', warning: `registered until the next boot only: ${why} (${hint})` };
  }
  if (isReadAtBoot(requested, facts)) return { how: requested, warning: null };
  const [why, hint] = diagnose(requested, facts, words);
  throw new BinfmtctlError('NO_TOOL', `cannot persist with ${requested}: ${why}`, { hint });
}

/** Whether `systemctl restart systemd-binfmt` and the next boot remove entries that no binfmt.d file registers. */
export function isFlushedBySystemd({ init, services }: BootFacts): boolean {
  return (
    init === 'systemd' && services.some(({ reads, state }) => reads === 'binfmt.d' && state === 'enabled')
  );
}

function isReadAtBoot(format: BootFormat, { services }: BootFacts): boolean {
  return services.some(({ reads, state }) => reads === format && state === 'enabled');
}

function imageError(words: string): BinfmtctlError {
  return new BinfmtctlError(
    'USAGE',
    '--persist has no effect in a container: its emulators are not on the host',
    { hint: `run the container after each boot, or ${persistOnHost(words)}` },
  );
}

const persistOnHost = (words: string): string => `on the host, run \`binfmtctl install ${words} --persist\``;

function diagnose(format: BootFormat, facts: BootFacts, words: string): readonly [why: string, hint: string] {
  const { init, process1, container, services } = facts;
  const eachBoot = `run \`binfmtctl install ${words}\` after each boot instead of --persist`;
  if (container === 'wsl' && init === null) {
    const wsl = 'set `systemd=true` in section `[boot]` of /etc/wsl.conf and run `wsl --shutdown` in Windows';
    return [`no init system reads ${format} files in WSL without systemd`, `${wsl}; or ${eachBoot}`];
  }
  if (container !== null && container !== 'wsl')
    return [
      `in a container (${container}), nothing runs at boot: the host's init system registers entries`,
      persistOnHost(words),
    ];
  if (init === null)
    return [`unsupported init system ${process1}: expected systemd, OpenRC or sysvinit`, eachBoot];
  const service = services.find(({ reads }) => reads === format);
  if (service === undefined || service.state === 'missing')
    return [`no service of ${init} reads ${format} files at boot`, installHint(format, init, eachBoot)];
  if (service.state === 'read-only') return ['/proc/sys is mounted read-only', eachBoot];
  const why = {
    unmounted: 'is skipped at boot, because no unit mounts binfmt_misc',
    masked: 'is masked',
    disabled: 'is not enabled',
    enabled: 'is enabled',
  }[service.state];
  return [`${service.name} ${why}`, serviceHint(service, init)];
}

function installHint(format: BootFormat, init: Init, eachBoot: string): string {
  if (format === 'binfmt-support') return 'install binfmt-support, or use --persist=binfmt.d with systemd';
  return init === 'systemd'
    ? 'install systemd-binfmt (part of the package systemd in Debian and Fedora)'
    : `install binfmt-support if the distribution has it; else ${eachBoot}`;
}

const AUTOMOUNT = 'proc-sys-fs-binfmt_misc.automount';

function serviceHint({ name, state }: BootService, init: Init): string {
  if (state === 'unmounted')
    return `as root: \`systemctl unmask ${AUTOMOUNT} && systemctl add-wants sysinit.target ${AUTOMOUNT}\``;
  if (init === 'openrc') return `as root: \`rc-update add ${name} boot\``;
  if (init === 'sysvinit') return `as root: \`update-rc.d ${name} defaults\``;
  if (state === 'masked') return `as root: \`systemctl unmask ${name}\``;
  // systemd-binfmt.service is static: it has no [Install] section that `systemctl enable` could use.
  return name === 'systemd-binfmt.service'
    ? `as root: \`systemctl add-wants sysinit.target ${name}\``
    : `as root: \`systemctl enable ${name}\``;
}
