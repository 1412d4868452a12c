/** What a side is told, and what it answers. Contents of files, entries and output are bytes, one character each (Latin-1). */

export type Step =
  | { readonly kind: 'run'; readonly program: ProgramName; readonly words: readonly string[] }
  /** Replaces what stands at a path, relative to the side's folder. */
  | { readonly kind: 'plant'; readonly path: string; readonly what: Planted; readonly text: string }
  /** One write to a file of binfmt_misc, with no newline added. */
  | { readonly kind: 'write'; readonly name: string; readonly text: string }
  | { readonly kind: 'umount' }
  /** Makes everything as it was in the beginning. */
  | { readonly kind: 'reset' };

export type Planted = 'file' | 'program' | 'folder' | 'link' | 'nothing';

export type ProgramName = 'update-binfmts' | 'run-detectors';

/** How a program is started. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Settings {
  /** Absolute path of the side's folder: the same on all sides, in a file system of its own on each. */
  readonly folder: string;
  readonly programs: Readonly<Record<ProgramName, Program>>;
}

export interface Ran {
  /** As a shell has it: 128 and the signal's number where one ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface State {
  /** What stands under the folder, by path: kind, permissions and bytes. */
  readonly files: Readonly<Record<string, string>>;
  /** Name and text of each entry, newest first; null where binfmt_misc is not mounted. */
  readonly entries: readonly (readonly [name: string, text: string])[] | null;
  /** Text of `status`; null where binfmt_misc is not mounted. */
  readonly status: string | null;
  /** Where binfmt_misc is mounted, with its options. */
  readonly mounts: readonly string[];
}

export interface Answer {
  /** What became of a `run`; else null. */
  readonly ran: Ran | null;
  /** Errno of a `write` or `umount` that failed; else null. */
  readonly errno: string | null;
  readonly state: State;
}
