/** What Debian's qemu-user-static brings in both forms, whole: the original programs register it, and ours the same. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { instance, removeAllEntries } from '../support/machine.ts';
import { debianSystemdBinfmt, makeWorld, type Ran, type World } from './world.ts';

let world: World;
beforeAll(() => {
  world = makeWorld();
});
afterEach(() => {
  removeAllEntries();
  for (const name of readdirSync(world.admin)) rmSync(join(world.admin, name));
});

const [emulators = ''] = unpackPackages('qemu-user-static');
const confs = join(emulators, 'usr/lib/binfmt.d');
const formats = join(emulators, 'usr/share/binfmts');
const pathsIn = (folder: string): readonly string[] => readdirSync(folder).map((name) => join(folder, name));

/** What is registered after it has succeeded in silence; then all is removed. */
function registeredBy(run: () => Ran) {
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  const entries = instance();
  expect(entries.length).toBeGreaterThan(25);
  removeAllEntries();
  return entries;
}

const importing = (form: string, path: string): Ran =>
  world.binfmtctl('import', '--quiet', ...(form === '' ? [] : ['--from', form]), path);

describe('files of binfmt.d', () => {
  const theirs = () => registeredBy(() => world.run([debianSystemdBinfmt(), ...pathsIn(confs)]));

  it('are registered alike by systemd-binfmt', () => {
    expect(registeredBy(() => world.binfmtctl('systemd-binfmt', ...pathsIn(confs)))).toEqual(theirs());
  });

  it.each(['binfmt.d', ''])('are registered alike by import, as %j', (form) => {
    expect(registeredBy(() => importing(form, confs))).toEqual(theirs());
  });
});

describe('format files of binfmt-support', () => {
  const theirs = () =>
    registeredBy(() => world.run(['/usr/sbin/update-binfmts', '--importdir', formats, '--import']));
  const sorted = (entries: ReturnType<typeof instance>) => entries.toSorted(([a], [b]) => (a < b ? -1 : 1));

  it('are registered alike by update-binfmts', () => {
    const wanted = theirs();
    for (const name of readdirSync(world.admin)) rmSync(join(world.admin, name));
    const words = ['update-binfmts', '--importdir', formats, '--import'];
    expect(registeredBy(() => world.binfmtctl(...words))).toEqual(wanted);
  });

  it.each(['binfmt-support', ''])('are registered alike by import, as %j', (form) => {
    expect(sorted(registeredBy(() => importing(form, formats)))).toEqual(sorted(theirs()));
  });

  it('are registered alike by import of the admin folder that they become', () => {
    const wanted = sorted(theirs());
    expect(sorted(registeredBy(() => importing('admin', '/var/lib/binfmts')))).toEqual(wanted);
  });
});
