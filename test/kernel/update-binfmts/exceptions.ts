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

export const EXCEPTIONS: readonly Exception[] = [
  {
    name: 'no crash',
    reason:
      'where the original dies of a wrong pointer we say what is missing, and leave no NAME.tmp that spoils later commands',
    explains: ({ original, ours }) => {
      const more = ours.ran.stderr.slice(original.ran.stderr.length);
      return (
        original.ran.status === CRASHED &&
        ours.ran.status === 2 &&
        ours.ran.stderr.startsWith(original.ran.stderr) &&
        /^update-binfmts: .*\n$/.test(more) &&
        isSame(withoutTemporary(original.state), withoutTemporary(ours.state))
      );
    },
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
      ours.ran.stderr === '' &&
      isSame(original.state, ours.state),
  },
];

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
