/** Programs of .NET told from those of DOS and Windows, which have the same magic, by Debian's detector of mono-runtime. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { instance, removeAllEntries } from '../support/machine.ts';
import { DETECTOR_DOORS, named, OUR_UPDATE_BINFMTS } from './doors.ts';
import { dosProgram, windowsProgram } from './programs.ts';
import { CLR, WINE } from './systems.ts';
import { makeWorld, type World } from './world.ts';

const DETECTOR = '/usr/lib/cli/binfmt-detector-cli';
const PROGRAMS: readonly (readonly [name: string, bytes: Buffer, interpreter: string])[] = [
  ['dos.exe', dosProgram(), WINE.interpreter],
  ['native.exe', windowsProgram({ clr: false }), WINE.interpreter],
  ['managed.exe', windowsProgram({ clr: true }), CLR.interpreter],
];

const worlds: Record<string, World> = {};
beforeAll(() => {
  worlds['with run-detectors of binfmt-support'] = makeWorld();
  worlds['without binfmt-support'] = makeWorld({ originals: false });
  for (const { folder } of Object.values(worlds))
    for (const [name, bytes] of PROGRAMS) {
      writeFileSync(join(folder, name), bytes);
      chmodSync(join(folder, name), 0o755);
    }
});
afterEach(removeAllEntries);

/** Who ran each of the programs, and with what. */
const handed = (world: World): readonly unknown[] =>
  PROGRAMS.map(([name]) => {
    const { status, stdout } = world.run([join(world.folder, name), 'word', '-v'], 'called so');
    return { status, handed: stdout.split('\0').slice(0, -1) };
  });

const wanted = (
  world: World,
  interpreterOf: (program: (typeof PROGRAMS)[number]) => string,
): readonly unknown[] =>
  PROGRAMS.map((program) => ({
    status: 0,
    handed: [interpreterOf(program), join(world.folder, program[0]), 'word', '-v'],
  }));

const clr = { ...CLR, detector: DETECTOR };

describe.each([
  ['with run-detectors of binfmt-support', DETECTOR_DOORS],
  ['without binfmt-support', OUR_UPDATE_BINFMTS],
])('%s', (where, doors) => {
  const cases = doors.flatMap((door) => [
    ['Wine before Mono', door.name, door, [WINE, clr]] as const,
    ['Mono before Wine', door.name, door, [clr, WINE]] as const,
  ]);

  it.each(cases)('programs of one magic are told apart, %s through %s', (_, __, door, specs) => {
    const world = worlds[where] as World;
    expect(door.register(world, specs)).toMatchObject({ status: 0, stderr: '' });
    expect(handed(world)).toEqual(wanted(world, ([, , interpreter]) => interpreter));
    expect(door.remove(world, [clr])).toMatchObject({ status: 0, stderr: '' });
    expect(handed(world)).toEqual(wanted(world, () => WINE.interpreter));
    expect(door.remove(world, [WINE])).toMatchObject({ status: 0, stderr: '' });
    expect(instance()).toEqual([]);
  });

  it.each(named(doors))('nothing runs what every detector denies, through %s', (_, door) => {
    const world = worlds[where] as World;
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
});
