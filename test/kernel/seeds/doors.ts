/** Every way by which a rule of some form gets into the kernel, and out again. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BINFMT, switchEntry } from '../support/machine.ts';
import { adminFile, formatFile, installWords, profileYaml, registerString, type Spec } from './forms.ts';
import { debianSystemdBinfmt, type Ran, type World } from './world.ts';

export interface Door {
  readonly name: string;
  readonly register: (world: World, specs: readonly Spec[]) => Ran;
  readonly remove: (world: World, specs: readonly Spec[]) => Ran;
}

const DONE: Ran = { status: 0, stdout: '', stderr: '' };

/** Runs one after the other, up to the first that does not succeed in silence. */
function oneAfterTheOther(specs: readonly Spec[], act: (spec: Spec) => Ran): Ran {
  for (const spec of specs) {
    const ran = act(spec);
    if (ran.status !== 0 || ran.stderr !== '') return ran;
  }
  return DONE;
}

const uninstall: Door['remove'] = (world, specs) =>
  world.binfmtctl('uninstall', '--quiet', ...specs.map(({ name }) => name));

const switchOff: Door['remove'] = (_, specs) => {
  for (const { name } of specs) switchEntry(name, 'gone');
  return DONE;
};

/** A folder of a door's files, made anew. */
function freshFolder(world: World, name: string): string {
  const folder = join(world.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

function writeBinfmtD(world: World, specs: readonly Spec[]): string {
  const path = join(freshFolder(world, 'binfmt.d'), 'seed.conf');
  writeFileSync(path, `# of the tests\n${specs.map((spec) => `${registerString(spec)}\n`).join('')}`);
  return path;
}

const writeFormatFiles = (world: World, specs: readonly Spec[]): void => {
  for (const spec of specs) world.put(`/usr/share/binfmts/${spec.name}`, formatFile(spec));
};

const writeAdminFiles = (world: World, specs: readonly Spec[]): void => {
  for (const spec of specs) writeFileSync(join(world.admin, spec.name), adminFile(spec));
};

const removeAdminFiles = (world: World, specs: readonly Spec[]): void => {
  for (const { name } of specs) rmSync(join(world.admin, name), { force: true });
};

function writeAll(
  world: World,
  form: string,
  specs: readonly Spec[],
  text: (spec: Spec) => string,
): string[] {
  const folder = freshFolder(world, form);
  return specs.map((spec) => {
    const path = join(folder, spec.name);
    writeFileSync(path, text(spec));
    return path;
  });
}

/** `binfmtctl import` of files that `write` leaves. */
const importDoor = (
  form: string,
  write: (world: World, specs: readonly Spec[]) => readonly string[],
): Door => ({
  name: `import --from ${form}`,
  register: (world, specs) => world.binfmtctl('import', '--quiet', '--from', form, ...write(world, specs)),
  remove: uninstall,
});

/**
 * A mounted instance of another user namespace, which has the rules. Nothing is executed there once it has: a rule may be
 * one that no program survives.
 */
function importInstance(world: World, specs: readonly Spec[]): Ran {
  const folder = freshFolder(world, 'instance');
  const rules = join(folder, 'rules');
  const ready = join(folder, 'ready');
  writeFileSync(rules, specs.map((spec) => `${registerString(spec)}\n`).join(''));
  const inside = `mount -t binfmt_misc binfmt_misc ${BINFMT} || exit
while read -r rule; do printf "%s" "$rule" > ${BINFMT}/register; done < ${rules}
: > ${ready}; kill -STOP $$`;
  const command = `${process.execPath} ${resolve('dist/cli.cjs')} import --quiet --from instance`;
  return world.run([
    'bash',
    '-c',
    `unshare --user --map-root-user --mount bash -c '${inside}' > /dev/null & other=$!
until [ -e ${ready} ] || ! kill -0 $other 2>/dev/null; do sleep 0.02; done
${command} /proc/$other/root${BINFMT}; status=$?
kill -KILL $other; exit $status`,
  ]);
}

/** The doors of a program called update-binfmts. */
function updateBinfmtsDoors(whose: string, command: readonly string[]): readonly Door[] {
  const run = (world: World, ...words: readonly string[]): Ran => world.run([...command, ...words]);
  return [
    {
      name: `${whose} update-binfmts --import`,
      register(world, specs) {
        writeFormatFiles(world, specs);
        return oneAfterTheOther(specs, ({ name }) => run(world, '--import', name));
      },
      remove: (world, specs) => oneAfterTheOther(specs, ({ name }) => run(world, '--unimport', name)),
    },
    {
      name: `${whose} update-binfmts --enable`,
      register(world, specs) {
        writeAdminFiles(world, specs);
        return oneAfterTheOther(specs, ({ name }) => run(world, '--enable', name));
      },
      remove(world, specs) {
        const ran = oneAfterTheOther(specs, ({ name }) => run(world, '--disable', name));
        removeAdminFiles(world, specs);
        return ran;
      },
    },
    {
      name: `${whose} update-binfmts --install`,
      register: (world, specs) => oneAfterTheOther(specs, (spec) => run(world, ...installWords(spec))),
      remove: (world, specs) =>
        oneAfterTheOther(specs, ({ name, interpreter }) =>
          run(world, '--package', 'seeds', '--remove', name, interpreter),
        ),
    },
  ];
}

export const OUR_UPDATE_BINFMTS = updateBinfmtsDoors('our', [
  process.execPath,
  resolve('dist/cli.cjs'),
  'update-binfmts',
]);
const DEBIANS_UPDATE_BINFMTS = updateBinfmtsDoors("Debian's", ['/usr/sbin/update-binfmts']);

/** Those by which detectors choose. */
export const DETECTOR_DOORS: readonly Door[] = [...DEBIANS_UPDATE_BINFMTS, ...OUR_UPDATE_BINFMTS];

/** The original programs: what holds of ours has to hold of them. */
export const ORIGINAL_DOORS: readonly Door[] = [
  {
    name: 'register',
    register: (world, specs) =>
      oneAfterTheOther(specs, (spec) =>
        world.run(['sh', '-c', `printf %s "$0" > ${BINFMT}/register`, registerString(spec)]),
      ),
    remove: switchOff,
  },
  {
    name: "Debian's systemd-binfmt",
    register: (world, specs) => world.run([debianSystemdBinfmt(), writeBinfmtD(world, specs)]),
    remove: switchOff,
  },
  ...DEBIANS_UPDATE_BINFMTS,
];

const SYSTEMD_BINFMT: Door = {
  name: 'systemd-binfmt',
  register: (world, specs) => world.binfmtctl('systemd-binfmt', writeBinfmtD(world, specs)),
  remove: uninstall,
};

/** A profile of one's own: the entries are called by its id, the second by `ID-2`. */
export const PROFILE_DOOR: Door = importDoor('profile', (world, specs) => {
  const path = join(freshFolder(world, 'profile'), `${specs[0]?.name}.yaml`);
  writeFileSync(path, profileYaml(specs));
  return [path];
});

/** A profile that is there. */
export const profileDoor = (file: string): Door => importDoor('profile', () => [resolve(file)]);

/** Of binfmtctl, for every form but its own. */
export const OUR_DOORS: readonly Door[] = [
  SYSTEMD_BINFMT,
  ...OUR_UPDATE_BINFMTS,
  importDoor('binfmt.d', (world, specs) => [writeBinfmtD(world, specs)]),
  importDoor('binfmt-support', (world, specs) => writeAll(world, 'formats', specs, formatFile)),
  importDoor('admin', (world, specs) => writeAll(world, 'admin', specs, adminFile)),
  importDoor('register', (world, specs) => {
    const path = join(freshFolder(world, 'register'), 'rules');
    writeFileSync(path, specs.map((spec) => `${registerString(spec)}\n`).join(''));
    return [path];
  }),
  { name: 'import --from instance', register: importInstance, remove: uninstall },
];

/** For titles of `each`. */
export const named = <Each extends { readonly name: string }>(
  all: readonly Each[],
): readonly (readonly [name: string, each: Each])[] => all.map((each) => [each.name, each]);
