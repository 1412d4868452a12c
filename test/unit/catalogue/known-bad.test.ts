import { describe, expect, it } from 'vitest';
import { type EmulatorVersion, knownBadFor } from '../../../src/catalogue/known-bad.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { EMULATOR } from './profiles.ts';

const at = (more: Partial<EmulatorVersion>): EmulatorVersion => ({
  version: '7.2.22',
  guest: 'pdp11',
  host: 'x86_64',
  kernel: '6.18.44',
  pageSize: 4096,
  ...more,
});
const bad = { guests: ['*'], hosts: ['*'], symptom: 'hangs', wayOut: 'wait', source: 'simh/simh#1' };
const symptoms = (more: object, work: Partial<EmulatorVersion> = {}) =>
  knownBadFor({ ...EMULATOR, knownBad: [{ ...bad, range: '*', ...more }] }, at(work)).length;

describe('knownBadFor', () => {
  it.each([
    ['7.2.22', 1],
    ['7.2', 1],
    ['8', 0],
    ['7.1.99', 0],
    ['8.0.0-rc1', 0],
    ['unknown', 0],
  ])('compares version %s with the range', (version, count) => {
    expect(symptoms({ range: '>=7.2.0 <8.0.0' }, { version })).toBe(count);
  });

  it('applies to the named guests and hosts, or to all', () => {
    expect(symptoms({ guests: ['vax'] })).toBe(0);
    expect(symptoms({ guests: ['vax', 'pdp11'] })).toBe(1);
    expect(symptoms({ hosts: ['aarch64'] })).toBe(0);
    expect(symptoms({ hosts: ['aarch64', 'x86_64'] })).toBe(1);
  });

  it.each([
    ['*', 1],
    ['>=0.0.0', 0],
  ])('applies to an unknown version only if it affects every version: %s', (range, count) => {
    expect(symptoms({ range }, { version: null })).toBe(count);
  });

  it.each([
    [4096, 0],
    [16384, 1],
    [null, 1],
  ])('compares a page size of %s bytes', (pageSize, count) => {
    expect(symptoms({ pageSizes: [16384, 65536] }, { pageSize })).toBe(count);
  });

  it.each([
    ['>=6.10.0', '6.18.44', 1],
    ['>=6.10.0', '6.1.0', 0],
    ['<6.7.0', '', 1],
    ['<6.7.0', '6.7.0', 0],
  ])('compares kernels %s with %j', (kernels, kernel, count) => {
    expect(symptoms({ kernels }, { kernel })).toBe(count);
  });
});

describe('known problems of QEMU', () => {
  const { qemu = EMULATOR } = builtinCatalogue().emulators;
  const sources = (version: string, guest: string, host: string) =>
    knownBadFor(qemu, at({ version, guest, host })).map(({ source }) => source.split(',')[0]);

  it.each([
    ['5.2.0', 'aarch64', 'x86_64', 'docker/buildx#542'],
    ['5.2.0', 'arm', 'x86_64', 'go-debos/debos#261'],
    ['6.1.0', 'aarch64', 'x86_64', 'tonistiigi/binfmt#72'],
    ['7.0.0', 's390x', 'aarch64', 'bytecodealliance/wasmtime#4076'],
    ['8.0.3', 'armeb', 'x86_64', 'upx/upx#687'],
    ['7.2.22', 'riscv64', 'x86_64', 'golang/go#69259'],
    ['7.0.0', 'x86_64', 'aarch64', 'coreos/fedora-coreos-tracker#1389'],
    ['8.1.5', 'ppc64le', 'x86_64', 'tonistiigi/binfmt#215'],
    ['9.2.0', 'aarch64', 'x86_64', 'tonistiigi/binfmt#231'],
    ['10.1.3', 'aarch64', 'x86_64', 'tonistiigi/binfmt#298'],
    ['8.2.2', 'x86_64', 'aarch64', 'lance-format/lance#7902'],
    ['9.1.91', 'x86_64', 's390x', 'coreos/fedora-coreos-tracker#1846'],
    ['8.1.2', 'sh4', 'x86_64', 'containers/podman#21882'],
    ['10.2.3', 'x86_64', 'aarch64', 'NixOS/nix#16184'],
  ])('include %s for %s on %s', (version, guest, host, source) => {
    expect(sources(version, guest, host)).toContain(source);
  });

  it.each([
    ['9.2.2', 'aarch64', 'x86_64'],
    ['10.2.3', 'aarch64', 'x86_64'],
    ['10.0.13', 'x86_64', 'aarch64'],
    ['8.2.10', 'x86_64', 'aarch64'],
    ['11.0.2', 'riscv64', 'aarch64'],
  ])('do not include %s for %s on %s', (version, guest, host) => {
    expect(sources(version, guest, host)).toEqual([]);
  });
});

describe('known problems of x86 emulators', () => {
  const host = 'aarch64';
  const known = (id: string, work: Partial<EmulatorVersion>) =>
    knownBadFor(builtinCatalogue().emulators[id] ?? EMULATOR, at({ host, ...work })).map(
      ({ symptom }) => symptom,
    );

  it.each(['0.3.4', '0.4.3'])('Box64 %s: static programs', (version) => {
    expect(known('box64', { version, guest: 'x86_64' })).toEqual([expect.stringContaining('static')]);
    expect(known('box32', { version, guest: 'i386' })).toEqual([expect.stringContaining('static')]);
  });

  it('FEX: pages other than 4 KiB', () => {
    const fex = { version: null, guest: 'x86_64' };
    expect(known('fex', fex)).toEqual([]);
    expect(known('fex', { ...fex, pageSize: 16384 })).toEqual([expect.stringContaining('4 KiB')]);
  });

  it.each([
    ['6.10.14', null],
    ['6.11.4', 'DT_HASH'],
    ['6.12.107', null],
    ['6.13.0', 'type 29'],
    ['7.2.8', 'type 29'],
  ])('Rosetta on Linux %s: %s', (kernel, symptom) => {
    const symptoms = known('rosetta', { version: null, guest: 'x86_64', kernel });
    expect(symptoms).toEqual(symptom === null ? [] : [expect.stringContaining(symptom)]);
  });
});
