import type { Catalogue } from './catalogue/types.ts';

/** A progress report of an operation. */
export type Progress =
  | {
      readonly kind: 'stage';
      readonly stage: Stage;
      readonly text: string;
      /** Ids of the arches that it concerns; absent for an operation without arches. */
      readonly arches?: readonly string[] | undefined;
    }
  | {
      readonly kind: 'bytes';
      readonly stage: Stage;
      readonly done: number;
      readonly total: number | null;
      readonly secondsLeft: number | null;
      readonly arches?: readonly string[] | undefined;
    }
  /** An arch for which the operation fails. */
  | { readonly kind: 'failed'; readonly arch: string; readonly text: string }
  | { readonly kind: 'warning'; readonly text: string };

/** The stages of an operation. */
export type Stage = 'find' | 'fetch' | 'unpack' | 'register' | 'remove' | 'prove';

/** Names up to three arches; for more, gives their number. */
export function describeArches(arches: readonly string[]): string {
  return arches.length <= 3 ? arches.join(', ') : `${arches.length} architectures`;
}

// Lets the published types compile without @types/node and without the DOM library, which declare it too.
declare global {
  interface AbortSignal {}
}

/** Common parameters of all operations. */
export interface Context {
  readonly catalogue: Catalogue;
  /** Mount point of the binfmt_misc instance. */
  readonly binfmtDirectory: string;
  /** Directory of the emulators, registrations and journal. */
  readonly store: string;
  readonly report: (progress: Progress) => void;
  /** True in a container of binfmtctl's image. */
  readonly inImage?: boolean | undefined;
  /** Aborted by Ctrl-C and SIGTERM, with the signal's name as reason. */
  readonly signal: AbortSignal;
}
