import { describe, expect, it } from 'vitest';
import {
  type BootFacts,
  type BootService,
  type BootState,
  decidePersistence,
  isFlushedBySystemd,
  type Persistence,
} from '../../../src/boot/persistence.ts';

const SYSTEMD = (state: BootState, support: BootState = 'missing'): readonly BootService[] => [
  { name: 'systemd-binfmt.service', reads: 'binfmt.d', state },
  { name: 'binfmt-support.service', reads: 'binfmt-support', state: support },
];
const OPENRC = (state: BootState): readonly BootService[] => [{ name: 'binfmt', reads: 'binfmt.d', state }];

const machine = (facts: Partial<BootFacts>): BootFacts => ({
  init: 'systemd',
  process1: 'systemd',
  container: null,
  inImage: false,
  services: SYSTEMD('enabled'),
  ...facts,
});

describe('a service that runs at boot', () => {
  it.each<[Persistence, Partial<BootFacts>, string]>([
    ['auto', {}, 'binfmt.d'],
    ['binfmt.d', {}, 'binfmt.d'],
    ['auto', { services: SYSTEMD('masked', 'enabled') }, 'binfmt-support'],
    ['binfmt-support', { services: SYSTEMD('enabled', 'enabled') }, 'binfmt-support'],
    ['auto', { init: 'openrc', services: OPENRC('enabled') }, 'binfmt.d'],
    // WSL with systemd, and a container whose process 1 is systemd.
    ['auto', { container: 'wsl' }, 'binfmt.d'],
    ['auto', { container: 'systemd-nspawn' }, 'binfmt.d'],
  ])('is used by --persist=%s: %#', (wanted, facts, how) => {
    expect(decidePersistence(wanted, machine(facts), 'arm64')).toEqual({ how, warning: null });
  });
});

describe('a machine without a service that runs at boot', () => {
  const nothing = { init: null, services: [] };
  it.each<[string, Partial<BootFacts>, RegExp, RegExp]>([
    [
      'WSL without systemd',
      { ...nothing, container: 'wsl', process1: 'init' },
      /WSL without systemd/,
      /wsl\.conf/,
    ],
    [
      'a container',
      { ...nothing, container: 'docker' },
      /in a container \(docker\)/,
      /^on the host, run `binfmtctl install arm64 --persist`$/,
    ],
    [
      'another init system',
      { ...nothing, process1: 'runit' },
      /unsupported init system runit/,
      /`binfmtctl install arm64` after each boot/,
    ],
    [
      'masked',
      { services: SYSTEMD('masked') },
      /systemd-binfmt\.service is masked/,
      /systemctl unmask systemd-binfmt/,
    ],
    [
      'not enabled',
      { services: SYSTEMD('disabled') },
      /is not enabled/,
      /add-wants sysinit\.target systemd-binfmt/,
    ],
    ['no mount unit', { services: SYSTEMD('unmounted') }, /no unit mounts binfmt_misc/, /unmask proc-sys-fs/],
    [
      'read-only /proc/sys',
      { services: SYSTEMD('read-only') },
      /\/proc\/sys is mounted read-only/,
      /each boot/,
    ],
    [
      'not installed',
      { services: SYSTEMD('missing') },
      /no service of systemd reads/,
      /install systemd-binfmt/,
    ],
    [
      'OpenRC without its service in a runlevel',
      { init: 'openrc', services: OPENRC('disabled') },
      /binfmt is not enabled/,
      /rc-update add binfmt boot/,
    ],
  ])('%s: an explicit format fails, auto warns', (_, facts, why, hint) => {
    const here = machine(facts);
    expect(() => decidePersistence('binfmt.d', here, 'arm64')).toThrow(
      expect.objectContaining({
        code: 'NO_TOOL',
        message: expect.stringMatching(why),
        hint: expect.stringMatching(hint),
      }),
    );
    const { how, warning } = decidePersistence('auto', here, 'arm64');
    expect(how).toBe('none');
    expect(warning).toMatch(why);
  });

  it('refuses any format in the container image', () => {
    for (const wanted of ['auto', 'binfmt.d', 'binfmt-support'] as const)
      expect(() => decidePersistence(wanted, machine({ inImage: true }), 'arm64')).toThrow(
        expect.objectContaining({
          code: 'USAGE',
          hint: expect.stringContaining('`binfmtctl install arm64 --persist`'),
        }),
      );
    expect(decidePersistence('none', machine({ inImage: true }), 'arm64').how).toBe('none');
  });
});

describe('isFlushedBySystemd', () => {
  it('is true only if systemd-binfmt is enabled', () => {
    expect(isFlushedBySystemd(machine({}))).toBe(true);
    expect(isFlushedBySystemd(machine({ services: SYSTEMD('masked') }))).toBe(false);
    expect(isFlushedBySystemd(machine({ init: 'openrc', services: OPENRC('enabled') }))).toBe(false);
  });
});
