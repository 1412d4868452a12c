import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instance, registerForeign, removeAllEntries } from '../support/machine.ts';
import { type Door, named, ORIGINAL_DOORS, OUR_DOORS, PROFILE_DOOR, profileDoor } from './doors.ts';
import { entryText, type Spec } from './forms.ts';
import { ARGUMENTS, ARGV0, SYSTEMS, type System } from './systems.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeAll(() => {
  world = makeWorld();
});

beforeEach(() => registerForeign(':of others:E::others::/bin/true:'));
afterEach(removeAllEntries);

describe.each(named(SYSTEMS))('%s', (_, system) => {
  it.each(named([...ORIGINAL_DOORS, ...OUR_DOORS]))('registered through %s', (_, door) =>
    goesThrough(door, system, system.rules(world)),
  );

  it('registered from a profile', () => {
    const { profile, rules } = system;
    if (profile !== undefined) goesThrough(profileDoor(profile.file), system, profile.rules);
    else goesThrough(PROFILE_DOOR, system, rules(world));
  });
});

function goesThrough(door: Door, { plant, seen, wanted }: System, rules: readonly Spec[]): void {
  const before = instance();
  const path = plant(world);
  expect(door.register(world, rules)).toMatchObject({ status: 0, stderr: '' });
  const added = rules.map((rule) => [rule.name, entryText(rule)]).toReversed();
  expect(instance()).toEqual([...added, ...before]);
  const [rule] = rules;
  expect(seen(world.run([path, ...ARGUMENTS], ARGV0))).toEqual(wanted(path, rule as Spec));
  expect(door.remove(world, rules)).toMatchObject({ status: 0, stderr: '' });
  expect(instance()).toEqual(before);
}
