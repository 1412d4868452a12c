/** The systems of which a machine has seen each: what is registered for it, what is executed, and what that says. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archPattern } from '../../../src/catalogue/resolve.ts';
import { buildProbe, decodeReport, PROBE_EXIT_STATUS } from '../../../src/elf/probe.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import type { Spec } from './forms.ts';
import { CLASS_FILE, jarFile } from './java.ts';
import { dosProgram, GO_SOURCE, PYTHON_SOURCE, windowsProgram } from './programs.ts';
import type { Ran, World } from './world.ts';

export interface System {
  readonly name: string;
  /** As a machine has them in the forms of others; a function where that depends on its programs. */
  readonly rules: (world: World) => readonly Spec[];
  /** The built-in profile, and what of it the kernel gets; where there is none, a profile of one's own says the rules. */
  readonly profile?: { readonly file: string; readonly rules: readonly Spec[] };
  /** Makes the program, and returns its path. */
  readonly plant: (world: World) => string;
  /** What of a run with `ARGUMENTS`, called `ARGV0`, is compared, and what it is, of a rule with these flags. */
  readonly seen: (ran: Ran) => unknown;
  readonly wanted: (path: string, rule: Spec) => unknown;
}

export const ARGV0 = 'called so';
export const ARGUMENTS = ['first', '--second=2', ''];

/** A stand-in says what it was handed: Documentation/admin-guide/binfmt-misc.rst, and for flag P the caller's argv[0]. */
const handedOver = {
  seen: ({ status, stdout }: Ran) => ({ status, handed: stdout.split('\0').slice(0, -1) }),
  wanted: (path: string, { interpreter, flags = '' }: Spec) => ({
    status: 0,
    handed: [interpreter, path, ...(flags.includes('P') ? [ARGV0] : []), ...ARGUMENTS],
  }),
};

/** A real runtime runs the program, which says its arguments. */
const saysArguments = {
  seen: ({ status, stdout, stderr }: Ran) => ({ status, stdout, stderr }),
  wanted: () => ({ status: 0, stdout: `${ARGUMENTS.join('|')}\n`, stderr: '' }),
};

const planted =
  (name: string, bytes: () => string | Uint8Array): System['plant'] =>
  ({ folder }) => {
    const path = join(folder, name);
    writeFileSync(path, bytes());
    chmodSync(path, 0o755);
    return path;
  };

const profile = (file: string, ...rules: readonly Spec[]): NonNullable<System['profile']> => ({
  file: `profiles/format/${file}.yaml`,
  rules,
});

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const JAVA: readonly Spec[] = [
  { name: 'java', magic: hex('cafebabe00000020'), mask: hex('ffffffff0000ff20') },
  { name: 'java-2', magic: hex('cafebabe00000040'), mask: hex('ffffffff0000ff40') },
].map((rule) => ({ ...rule, interpreter: '/usr/bin/javawrapper' }));

const elfOf = (id: string): { readonly magic: Buffer; readonly mask: Buffer } => {
  const arch = builtinCatalogue().arches[id];
  if (arch === undefined) throw new Error(`no arch ${id}`);
  const { magic, mask } = archPattern(arch);
  return { magic: Buffer.from(magic), mask: Buffer.from(mask ?? []) };
};

/** Box86's rule, which asks for i386; where that is native, with a machine number that no kernel runs (EM_68HC05). */
export const BOX86: Spec = { name: 'box86', ...elfOf('i386'), interpreter: '/usr/bin/box86', flags: 'P' };
const EM_68HC05 = 72;
const forForeignMachine = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt16LE(EM_68HC05, 18);
  return copy;
};

export const CLR: Spec = { name: 'cli', magic: Buffer.from('MZ'), interpreter: '/usr/bin/cli' };
export const WINE: Spec = { name: 'wine', magic: Buffer.from('MZ'), interpreter: '/usr/bin/wine' };

export const QEMU: System = {
  name: "programs for aarch64, by QEMU, as Debian's rule has it",
  rules: () => [
    {
      name: 'qemu-aarch64',
      magic: hex('7f454c460201010000000000000000000200b700'),
      mask: hex('ffffffffffffff00fffffffffffffffffeffffff'),
      interpreter: '/usr/libexec/qemu-binfmt/aarch64-binfmt-P',
      flags: 'PF',
    },
  ],
  plant: planted('foreign', () => {
    const { elf, probe } = builtinCatalogue().arches['aarch64'] ?? {};
    return buildProbe(elf as NonNullable<typeof elf>, probe as NonNullable<typeof probe>);
  }),
  seen: ({ status, stdout }) => ({
    status,
    argv0: decodeReport(Buffer.from(stdout), { class: 64, byteOrder: 'little', machine: 183 })?.argv0,
  }),
  wanted: () => ({ status: PROBE_EXIT_STATUS, argv0: ARGV0 }),
};

export const SYSTEMS: readonly System[] = [
  {
    name: 'Java classes, by a JVM',
    rules: () => JAVA,
    profile: profile('java', ...JAVA),
    plant: planted('Seed.class', () => CLASS_FILE),
    ...saysArguments,
  },
  {
    name: 'jars, by a JVM',
    rules: () => [{ name: 'jar', magic: hex('504b0304'), interpreter: '/usr/bin/jexec' }],
    profile: profile('jar', { name: 'jar', extension: 'jar', interpreter: '/usr/bin/jexec' }),
    plant: planted('seed.jar', jarFile),
    ...saysArguments,
  },
  {
    name: 'Windows programs, by magic',
    rules: () => [{ ...WINE, flags: 'P' }],
    profile: profile('windows', { ...WINE, name: 'windows' }),
    plant: planted('program', dosProgram),
    ...handedOver,
  },
  {
    name: 'Windows programs, by extension',
    rules: () => [{ name: 'exe', extension: 'exe', interpreter: '/usr/bin/wine' }],
    plant: planted('program.exe', dosProgram),
    ...handedOver,
  },
  {
    name: '.NET programs',
    rules: () => [CLR],
    profile: profile('dotnet', { ...CLR, name: 'dotnet' }),
    plant: planted('clr', () => windowsProgram({ clr: true })),
    ...handedOver,
  },
  {
    name: 'Go sources, by extension',
    rules: () => [{ name: 'golang', extension: 'go', interpreter: '/usr/bin/gorun', flags: 'PF' }],
    profile: profile('go', { name: 'go', extension: 'go', interpreter: '/usr/bin/gorun' }),
    plant: planted('seed.go', () => GO_SOURCE),
    ...handedOver,
  },
  {
    name: 'Python byte code, by extension',
    rules: () => [{ name: 'pyc', extension: 'pyc', interpreter: '/usr/bin/python3' }],
    profile: profile('python', { name: 'python', extension: 'pyc', interpreter: '/usr/bin/python3' }),
    plant: (world) => compiled(world, 'seed.pyc'),
    ...saysArguments,
  },
  {
    name: 'Python byte code, by the magic of its release',
    rules: (world) => [
      {
        name: 'python3',
        magic: readFileSync(compiled(world, 'magic')).subarray(0, 4),
        interpreter: '/usr/bin/python3',
      },
    ],
    plant: (world) => compiled(world, 'seed'),
    ...saysArguments,
  },
  QEMU,
  {
    name: 'Box86, of a machine that is not native here',
    rules: () => [{ ...BOX86, magic: forForeignMachine(BOX86.magic ?? hex('')) }],
    plant: planted('i386', () => {
      const { elf, probe } = builtinCatalogue().arches['i386'] ?? {};
      return forForeignMachine(
        Buffer.from(buildProbe(elf as NonNullable<typeof elf>, probe as NonNullable<typeof probe>)),
      );
    }),
    ...handedOver,
  },
];

/** Compiled by the Python that is to run it, whose magic it has. */
function compiled(world: World, name: string): string {
  const source = join(world.folder, 'seed.py');
  const path = join(world.folder, name);
  writeFileSync(source, PYTHON_SOURCE);
  const made = world.run([
    '/usr/bin/python3',
    '-c',
    `import py_compile; py_compile.compile(${JSON.stringify(source)}, ${JSON.stringify(path)}, doraise=True)`,
  ]);
  if (made.status !== 0) throw new Error(made.stderr);
  chmodSync(path, 0o755);
  return path;
}
