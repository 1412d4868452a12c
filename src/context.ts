import type { Catalogue } from './catalogue/types.ts';

/** How far an operation is; the one who shows it decides what to do with it. */
export type Progress =
  | { readonly kind: 'stage'; readonly stage: Stage; readonly text: string }
  | {
      readonly kind: 'bytes';
      readonly stage: Stage;
      readonly done: number;
      readonly total: number | null;
      readonly secondsLeft: number | null;
    }
  | { readonly kind: 'warning'; readonly text: string };

/** The stages of an operation. */
export type Stage = 'find' | 'fetch' | 'unpack' | 'register' | 'prove';

/** How reports speak of arches: the few by name, the many by number. */
export function describeArches(arches: readonly string[]): string {
  return arches.length <= 3 ? arches.join(', ') : `${arches.length} architectures`;
}

// With @types/node or the types of browsers this is theirs; the published types compile without them, too.
declare global {
  interface AbortSignal {}
}

/** What every operation is given. */
export interface Context {
  readonly catalogue: Catalogue;
  /** Mount point of the binfmt_misc instance. */
  readonly binfmtDirectory: string;
  /** Where emulators, registrations and journal are kept. */
  readonly store: string;
  readonly report: (progress: Progress) => void;
  /** Whether this is a container of binfmtctl's own image; false if undefined. */
  readonly inImage?: boolean | undefined;
  /** Aborted, with the signal's name as reason, by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}
