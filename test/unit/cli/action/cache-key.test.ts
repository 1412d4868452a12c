import { describe, expect, it } from 'vitest';
import { type Cached, cacheKey, isWorthCaching } from '../../../../src/cli/action/cache-key.ts';

const CACHED: Cached = {
  version: '1.2.3',
  host: 'x86_64',
  lock: null,
  arches: ['aarch64', 'riscv64'],
  sources: [],
  distribution: 'ubuntu 24.04',
  now: new Date('2026-11-21T12:00:00Z'),
};
const key = (changed: Partial<Cached> = {}): string => cacheKey({ ...CACHED, ...changed });

describe('cacheKey', () => {
  it('names version and machine, and may be a key of the service', () => {
    expect(key()).toMatch(/^binfmtctl-1\.2\.3-linux-x86_64-[0-9a-f]{32}$/);
    expect(key({ host: 'aarch64' })).not.toBe(key());
    expect(key({ version: '1.2.4' })).not.toBe(key());
  });

  it('is the same for the same arches in another order', () => {
    expect(key({ arches: ['riscv64', 'aarch64'] })).toBe(key());
    expect(key({ arches: ['riscv64'] })).not.toBe(key());
  });

  it.each([
    [{ sources: ['apt:trixie'] }],
    [{ distribution: 'ubuntu 26.04' }],
    [{ now: new Date('2026-12-01T00:00:00Z') }],
    [{ lock: '' }],
  ] as const)('without a lock file is another one for %j', (changed) => {
    expect(key(changed)).not.toBe(key());
  });

  it('with a lock file depends on nothing but its text, and on what is asked for', () => {
    const lock = 'schema: binfmtctl/lock/1\n';
    const other = { lock, distribution: 'debian 12', now: new Date(0), sources: ['apt'] };
    expect(key(other)).toBe(key({ lock }));
    expect(key({ lock: `${lock} ` })).not.toBe(key({ lock }));
    expect(key({ lock, arches: [] })).not.toBe(key({ lock }));
  });
});

describe('isWorthCaching', () => {
  it.each([
    [null, [], true],
    [null, ['apt'], true],
    [null, ['oci:registry.example/image'], true],
    [null, ['dir:/x', 'url:https://a.example/x'], true],
    [null, ['dir:/x', 'path:/y'], false],
    [null, ['bundle:x.tar'], false],
    [null, ['./emulators'], false],
    ['text', [], true],
  ] as const)('with lock file %j and sources %j is %j', (lock, sources, worth) => {
    expect(isWorthCaching(lock, sources)).toBe(worth);
  });
});
