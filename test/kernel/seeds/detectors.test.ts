/** Programs of .NET told from those of DOS and Windows, which have the same magic, by Debian's detector of mono-runtime. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAllEntries } from '../support/machine.ts';
import { DETECTOR_DOORS, named } from './doors.ts';
import { dosProgram, windowsProgram } from './programs.ts';
import { CLR, WINE } from './systems.ts';
import { instance, makeWorld, type World } from './world.ts';

const DETECTOR = '/usr/lib/cli/binfmt-detector-cli';
const PROGRAMS: readonly (readonly [name: string, bytes: Buffer, interpreter: string])[] = [
  ['dos.exe', dosProgram(), WINE.interpreter],
  ['native.exe', windowsProgram({ clr: false }), WINE.interpreter],
  ['managed.exe', windowsProgram({ clr: true }), CLR.interpreter],
];

let world: World;
beforeAll(() => {
  world = makeWorld();
  for (const [name, bytes] of PROGRAMS) {
    writeFileSync(join(world.folder, name), bytes);
    chmodSync(join(world.folder, name), 0o755);
  }
});
afterEach(removeAllEntries);

/** Who ran each of the programs, and with what. */
const handed = (): readonly unknown[] =>
  PROGRAMS.map(([name]) => {
    const { status, stdout } = world.run([join(world.folder, name), 'word', '-v'], 'called so');
    return { status, handed: stdout.split('\0').slice(0, -1) };
  });

const wanted = (interpreterOf: (program: (typeof PROGRAMS)[number]) => string): readonly unknown[] =>
  PROGRAMS.map((program) => ({
    status: 0,
    handed: [interpreterOf(program), join(world.folder, program[0]), 'word', '-v'],
  }));

const clr = { ...CLR, detector: DETECTOR };

describe.each([
  ['Wine first', [WINE, clr]],
  ['Mono first', [clr, WINE]],
])('two formats of one magic, %s', (_, specs) => {
  it.each(named(DETECTOR_DOORS))('are told apart through %s', (_, door) => {
    expect(door.register(world, specs)).toMatchObject({ status: 0, stderr: '' });
    expect(handed()).toEqual(wanted(([, , interpreter]) => interpreter));
    expect(door.remove(world, [clr])).toMatchObject({ status: 0, stderr: '' });
    expect(handed()).toEqual(wanted(() => WINE.interpreter));
    expect(door.remove(world, [WINE])).toMatchObject({ status: 0, stderr: '' });
    expect(instance()).toEqual([]);
  });
});

it.each(named(DETECTOR_DOORS))('nothing runs what every detector denies, through %s', (_, door) => {
  expect(door.register(world, [clr])).toMatchObject({ status: 0, stderr: '' });
  const path = join(world.folder, 'dos.exe');
  expect(world.run([path])).toEqual({
    status: 2,
    stdout: '',
    stderr: `run-detectors: unable to find an interpreter for ${path}\n`,
  });
  expect(door.remove(world, [clr])).toMatchObject({ status: 0, stderr: '' });
  expect(instance()).toEqual([]);
});
