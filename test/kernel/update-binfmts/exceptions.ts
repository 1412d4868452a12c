/** The differences from the original that are meant, each with its reason. Every other fails the tests. */
import type { Ran, State } from './support/step.ts';

/** What one command line did on each side. */
export interface Difference {
  readonly words: readonly string[];
  readonly original: Outcome;
  readonly ours: Outcome;
}

export interface Outcome {
  readonly ran: Ran;
  readonly state: State;
}

export interface Exception {
  readonly name: string;
  readonly reason: string;
  readonly explains: (difference: Difference) => boolean;
}

const CRASHED = 139;
/** Of mount(8) and umount(8), which the original starts. */
const MOUNT_LINES = /^(u?mount: .*| +dmesg\(1\).*)\n/gm;

export const EXCEPTIONS: readonly Exception[] = [
  {
    name: 'no crash',
    reason:
      'where the original dies of a wrong pointer we say what is missing, go on with the next file, and leave no NAME.tmp that spoils later commands',
    explains: ({ original, ours }) => {
      return (
        original.ran.status === CRASHED &&
        [0, 2].includes(ours.ran.status) &&
        ours.ran.stdout.startsWith(original.ran.stdout) &&
        ours.ran.stderr.startsWith(original.ran.stderr) &&
        hasAllOf(ours.state, withoutTemporary(original.state))
      );
    },
  },
  {
    name: 'bad specification',
    reason: 'what is said to be wrong is not installed: the original goes on, and mostly crashes',
    explains: ({ original, ours }) => {
      const said = ours.ran.stderr.replace(/update-binfmts: exiting due to previous errors\n$/, '');
      return (
        ours.ran.status === 2 &&
        / can't use .* --extension\n$| --extension is required\n$/.test(said) &&
        original.ran.stderr.startsWith(said) &&
        isSame(original.state, ours.state)
      );
    },
  },
  {
    name: 'admin file that is a folder',
    reason: 'no format is installed in it: it would be found by no other command',
    explains: ({ ours }) => / unable to install \S*\.tmp as .*: Is a directory\n/.test(ours.ran.stderr),
  },
  {
    name: 'safety',
    reason: 'a rule that could match native programs, `#!` scripts or its own interpreter is not registered',
    explains: ({ ours }) => ours.ran.status === 2 && / would take over .*: refused/.test(ours.ran.stderr),
  },
  {
    name: 'help',
    reason: 'the texts are ours',
    explains: ({ original, ours }) =>
      original.ran.status === 0 &&
      ours.ran.status === 0 &&
      original.ran.stdout.startsWith('Usage: update-binfmts') &&
      ours.ran.stdout.startsWith('Usage: ') &&
      ours.ran.stderr === original.ran.stderr &&
      isSame(original.state, ours.state),
  },
  {
    name: 'credentials and detector',
    reason:
      'our run-detectors is a script, and the kernel starts no script for a format with credentials (ENOEXEC), so the format is refused',
    explains: ({ ours }) => / its detector is run by a script, /.test(ours.ran.stderr),
  },
  {
    name: 'switched off',
    reason: 'a switched off binfmt_misc stays so: every entry of others would take effect again',
    explains: ({ original, ours }) =>
      original.state.status === 'enabled\n' &&
      ours.state.status === 'disabled\n' &&
      isSame(original, {
        ran: without(ours.ran, /^update-binfmts: warning: binfmt_misc is disabled: .*\n/gm),
        state: { ...ours.state, status: original.state.status },
      }),
  },
  {
    name: 'mount',
    reason: 'why it cannot be mounted is said in our words, in place of those of mount(8)',
    explains: ({ original, ours }) =>
      isSame(
        { ...original, ran: without(original.ran, MOUNT_LINES) },
        { ...ours, ran: without(ours.ran, /^update-binfmts: warning: no binfmt_misc at .*\n/gm) },
      ),
  },
  {
    name: 'no binfmt_misc',
    reason: 'a directory with files like those of binfmt_misc is not written to',
    explains: ({ original, ours }) =>
      differing(original.state.files, ours.state.files).some((path) => /^(fake|plain)\//.test(path)) &&
      isSame(original.state.entries, ours.state.entries),
  },
  {
    name: 'hidden entries',
    reason: 'a warning names older entries of others that a new format hides',
    explains: ({ original, ours }) =>
      isSame(original, {
        ...ours,
        ran: without(
          ours.ran,
          /^update-binfmts: warning: format .* takes precedence over the older entry .*\n/gm,
        ),
      }),
  },
  {
    name: '(null)',
    reason: 'a missing value is empty, and what the kernel then refuses is not registered as "(null)"',
    explains: ({ original, ours }) =>
      isSame(withoutNull(original), withoutNull(ours)) ||
      (isRegisteredAsNull(original.state) && !isRegisteredAsNull(ours.state)) ||
      (/ no executable \(null\) found/.test(original.ran.stderr) &&
        / unable to close \S+: Invalid argument\n/.test(ours.ran.stderr)),
  },
  {
    name: 'no entry',
    reason: 'what is no entry is not written to: the original removes every entry with `--disable status`',
    explains: ({ original, ours }) =>
      isSame(original.state.entries, []) && / invalid entry name: "status"\n/.test(ours.ran.stderr),
  },
  {
    name: 'empty name',
    reason: 'no file can have it, and none is left behind',
    explains: ({ original, ours }) =>
      original.ran.stderr.startsWith('mv: ') &&
      /\/: Is a directory\n/.test(ours.ran.stderr) &&
      isSame(withoutTemporary(original.state), ours.state),
  },
  {
    name: 'entries of others',
    reason: 'to unmount the last mount of an instance would remove the entries of others',
    explains: ({ ours }) => / stays mounted: other programs have registered /.test(ours.ran.stderr),
  },
];

function differing(one: State['files'], other: State['files']): readonly string[] {
  return Object.keys({ ...one, ...other }).filter((path) => one[path] !== other[path]);
}

const without = (ran: Ran, lines: RegExp): Ran => ({ ...ran, stderr: ran.stderr.replaceAll(lines, '') });

const withoutNull = (outcome: Outcome): Outcome =>
  JSON.parse(JSON.stringify(outcome).replaceAll('(null)', ''));

const isRegisteredAsNull = ({ entries }: State): boolean =>
  (entries ?? []).some(([, text]) => text.includes('(null)'));

/** Whether `one` has every file and entry of `other`; what has gone on since may have changed them. */
function hasAllOf(one: State, other: State): boolean {
  const namesOf = ({ files, entries }: State): readonly string[] => [
    ...Object.keys(files),
    ...(entries ?? []).map(([name]) => `entry ${name}`),
  ];
  const names = new Set(namesOf(one));
  return namesOf(other).every((name) => names.has(name));
}

/** The first that explains a difference; null where none does. */
export const exceptionFor = (difference: Difference): Exception | null =>
  EXCEPTIONS.find(({ explains }) => explains(difference)) ?? null;

/** NAME.tmp, which a crash leaves. */
export const isTemporary = (path: string): boolean => /^(admin|plain)\/.*\.tmp$/s.test(path);

const withoutTemporary = (state: State): State => ({
  ...state,
  files: Object.fromEntries(Object.entries(state.files).filter(([path]) => !isTemporary(path))),
});

export const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
