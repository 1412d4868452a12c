/** Emulators of architectures, from their profiles: QEMU, and Box86, which this machine has no use for. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildProbe } from '../../../src/elf/probe.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { nativePatterns } from '../../../src/rule/execution/native-patterns.ts';
import { parseRegister } from '../../../src/rule/register.ts';
import { assertSafe } from '../../../src/safety/pattern-safety.ts';
import { instance, registerForeign, removeAllEntries } from '../support/machine.ts';
import { runsI386 } from '../support/native-i386.ts';
import { registerString } from './forms.ts';
import { ARGUMENTS, ARGV0, BOX86, QEMU } from './systems.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeAll(() => {
  world = makeWorld();
});
beforeEach(() => registerForeign(':of others:E::others::/bin/true:'));
afterEach(removeAllEntries);

it('QEMU is installed from its profile, runs a program, and is taken back', () => {
  const before = instance();
  const path = QEMU.plant(world);
  const source = ['--source', 'path:/usr/bin/qemu-aarch64-static', '--persist=none'];
  expect(world.binfmtctl('install', 'arm64', ...source, '--quiet')).toMatchObject({ status: 0, stderr: '' });
  expect(instance().map(([name]) => name)).toEqual(['qemu-aarch64', 'of others']);
  const ran = world.run([path, ...ARGUMENTS], ARGV0);
  expect(QEMU.seen(ran)).toEqual(QEMU.wanted(path, QEMU.rules(world)[0] ?? BOX86));
  expect(world.binfmtctl('uninstall', 'arm64', '--quiet')).toMatchObject({ status: 0, stderr: '' });
  expect(instance()).toEqual(before);
});

describe('Box86', () => {
  const parsed = parseRegister(Buffer.from(registerString(BOX86)));
  const nativesOf = (...ids: readonly string[]) =>
    ids.flatMap((id) => {
      const arch = builtinCatalogue().arches[id];
      if (arch === undefined) return [];
      const patterns = nativePatterns(buildProbe(arch.elf, arch.probe));
      return patterns.map((pattern) => ({ what: `${id} programs`, pattern }));
    });
  const judge = (...ids: readonly string[]) => {
    if ('errno' in parsed) throw new Error(parsed.errno);
    const head = readFileSync('/bin/true').subarray(0, 256);
    const open = () => ({ head, native: true });
    assertSafe(parsed.rule, [], { natives: nativesOf(...ids), unproven: [], open, programs: () => [] });
  };

  it('is refused where i386 is native, and taken on the machines that it is built for', () => {
    expect(() => judge('x86_64', 'i386')).toThrow('rule box86 would take over i386 programs: refused');
    const { hosts = [] } = builtinCatalogue().emulators['box86'] ?? {};
    expect(hosts).toEqual(['aarch64', 'arm']);
    expect(() => judge(...hosts)).not.toThrow();
  });

  it.runIf(runsI386)('is not installed where i386 is native', () => {
    const before = instance();
    expect(world.binfmtctl('install', 'i386', '--emulator', 'box86', '--quiet')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('i386 runs natively on this machine'),
    });
    expect(instance()).toEqual(before);
  });
});
