/** Rules that would break the machine are refused by every command, by name, without changing anything. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { amount } from '../stress.ts';
import { type Door, named, OUR_DOORS, PROFILE_DOOR } from './seeds/doors.ts';
import type { Spec } from './seeds/forms.ts';
import { makeWorld, type World } from './seeds/world.ts';
import { instance, registerForeign, removeAllEntries } from './support/machine.ts';
import { runsI386 } from './support/native-i386.ts';

let world: World;
beforeAll(() => {
  world = makeWorld();
});
beforeEach(() => registerForeign(':of others:E::others::/bin/true:'));
afterEach(() => {
  removeAllEntries();
  rmSync(join(world.admin, 'unsafe'), { force: true });
});

const { x86_64, i386, aarch64 } = builtinCatalogue().arches;
const host = process.arch === 'x64' ? x86_64 : aarch64;
const hex = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'hex');
const opened = (mask: Buffer, from: number, to: number): Buffer => Buffer.from(mask).fill(0, from, to);

const ofArch = ({ magic, mask }: { readonly magic: string; readonly mask: string }) => ({
  magic: hex(magic),
  mask: hex(mask),
});
const native = ofArch(host ?? { magic: '', mask: '' });
const ELF = hex('7f454c46');

interface Unsafe {
  readonly name: string;
  readonly rule: Omit<Spec, 'name' | 'interpreter'> & { readonly interpreter?: string };
}

/** box86 is for i386. */
const COMPAT: readonly Unsafe[] =
  runsI386 && i386 !== undefined
    ? [
        { name: 'programs of i386', rule: ofArch(i386) },
        {
          name: 'programs of i386 for Box86, with flags',
          rule: { ...ofArch(i386), flags: 'P', interpreter: '/usr/bin/box86' },
        },
      ]
    : [];

const RULES: readonly Unsafe[] = [
  { name: "the host's own programs", rule: native },
  { name: "the host's own programs, with an open file", rule: { ...native, flags: 'PF' } },
  { name: "the host's own programs, with their rights", rule: { ...native, flags: 'CF' } },
  ...COMPAT,
  { name: 'every machine', rule: { ...native, mask: opened(native.mask, 18, 20) } },
  { name: 'every ELF file', rule: { magic: ELF } },
  { name: 'every ELF file, by its first byte', rule: { magic: hex('7f') } },
  { name: 'the machine alone', rule: { magic: native.magic.subarray(18, 20), offset: 18 } },
  { name: 'every file', rule: { magic: Buffer.from('AB'), mask: hex('0000') } },
  { name: 'every file, as far behind as can be', rule: { magic: hex('00'), mask: hex('00'), offset: 255 } },
  { name: 'scripts', rule: { magic: Buffer.from('#!') } },
  { name: 'scripts, by their first byte', rule: { magic: Buffer.from('#') } },
  { name: 'scripts, by half a byte', rule: { magic: hex('20'), mask: hex('f0') } },
  { name: 'scripts, by what stands behind', rule: { magic: Buffer.from('/bin/sh'), offset: 2 } },
  { name: 'zeros in the padding of ELF files', rule: { magic: hex('0000'), offset: 9 } },
  { name: 'shell scripts, by extension', rule: { extension: 'sh' } },
  { name: 'program loaders and libraries, by extension', rule: { extension: 'so' } },
  { name: 'the program loader, by extension', rule: { extension: '2' } },
  { name: "dpkg's maintainer scripts", rule: { extension: 'postinst' } },
  { name: 'the interpreter of its script', rule: { extension: 'native', interpreter: 'script' } },
  { name: 'its interpreter, by extension', rule: { extension: 'seed', interpreter: 'runner.seed' } },
  { name: 'its interpreter, by magic', rule: { magic: Buffer.from('SEED'), interpreter: 'runner' } },
];

/** The name in messages. */
function specOf({ rule }: Unsafe): Spec {
  const own = rule.interpreter;
  if (own === undefined || own.startsWith('/'))
    return { name: 'unsafe', interpreter: '/usr/bin/wine', ...rule, ...(own && { interpreter: own }) };
  const path = join(world.folder, own);
  if (own === 'script') copyFileSync('/bin/true', join(world.folder, 'true.native'));
  const text = own === 'script' ? `#!${world.folder}/true.native\n` : '#!/bin/sh\n';
  writeFileSync(path, own === 'runner' ? 'SEED\n' : text, { mode: 0o755 });
  return { name: 'unsafe', ...rule, interpreter: path };
}

/** A user's arch profile with another magic, which replaces that of riscv64. */
const INSTALL_DOOR: Door = {
  name: "install with a catalogue of one's own",
  register(world, [spec]) {
    const folder = join(world.folder, 'catalogue/arch');
    mkdirSync(folder, { recursive: true });
    const { magic = Buffer.alloc(0), mask = Buffer.alloc(magic.length, 0xff) } = spec ?? {};
    const own = { magic: magic.toString('hex'), mask: mask.toString('hex'), masked: [] };
    const profile = { ...builtinCatalogue().arches['riscv64'], ...own };
    writeFileSync(join(folder, 'riscv64.yaml'), stringify(profile));
    const source = ['--source', 'path:/usr/bin/qemu-riscv64-static'];
    return world.binfmtctl('install', 'riscv64', '--catalogue', join(folder, '..'), ...source, '--no-verify');
  },
  remove: (world) => world.binfmtctl('uninstall', 'riscv64'),
};

interface Unlocked extends Door {
  /** True if the command can express the rule. */
  readonly says?: (rule: Unsafe['rule']) => boolean;
  /** Its refusal. */
  readonly refusal?: RegExp;
}

const DOORS: readonly Unlocked[] = [
  ...OUR_DOORS,
  PROFILE_DOOR,
  {
    ...INSTALL_DOOR,
    says: ({ magic, offset, flags, interpreter }) =>
      magic !== undefined && offset === undefined && flags === undefined && interpreter === undefined,
    refusal: /riscv64\.yaml:\d+: |rule qemu-riscv64 would take over/,
  },
];

/** All commands share one check, so every third pair suffices. The stress run tests all pairs. */
const PAIRS = amount(3, 1);

describe.each(DOORS.map((door, index) => [door.name, door, index] as const))('%s', (_, door, index) => {
  const { says = () => true, refusal = /rule unsafe would take over .+: refused/ } = door;

  const rules = RULES.filter(({ rule }, place) => says(rule) && (index + place) % PAIRS === 0);

  it.each(named(rules))('refuses a rule for %s', (_, unsafe) => {
    const before = instance();
    const { status, stderr } = door.register(world, [specOf(unsafe)]);
    expect(stderr).toMatch(refusal);
    expect(status).toSatisfy((it: number | null) => it === 1 || it === 2);
    expect(instance()).toEqual(before);
    expect(world.run(['/bin/true'])).toEqual({ status: 0, stdout: '', stderr: '' });
    // The original would register it at the next boot.
    expect(readdirSync(world.admin)).toEqual(door.name.endsWith('--enable') ? ['unsafe'] : []);
  });
});

describe('a safe rule together with an unsafe one', () => {
  const good: Spec = { name: 'good', magic: Buffer.from('GOOD'), interpreter: '/usr/bin/wine' };
  const unsafe: Spec = { name: 'unsafe', magic: ELF, interpreter: '/usr/bin/wine' };
  const imports = OUR_DOORS.filter(({ name }) => name.startsWith('import'));

  it.each(named(imports))('is not registered through %s', (_, door) => {
    const before = instance();
    for (const specs of [
      [good, unsafe],
      [unsafe, good],
    ]) {
      expect(door.register(world, specs)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('rule unsafe would take over'),
      });
      expect(instance()).toEqual(before);
    }
  });

  it('is registered through systemd-binfmt, as after every other error in a file', () => {
    const door = OUR_DOORS.find(({ name }) => name === 'systemd-binfmt');
    expect(door?.register(world, [unsafe, good])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^\S+:2: rule unsafe would take over .+: refused\n$/),
    });
    expect(instance().map(([name]) => name)).toEqual(['good', 'of others']);
  });
});
