/** The table of commands: plain data, which drives parsing and help. */

/** Flags as help shows them: `-o, --output FILE`; the value of `--lock[=FILE]` stands only after `=`. */
export type OptionSpec = readonly [flags: string, description: string, details?: OptionDetails];

export interface OptionDetails {
  readonly default?: string;
  /** May be given several times; its value is a list. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  /** The value of an option without one, where it may be omitted. */
  readonly bare?: string;
  readonly required?: boolean;
  /** For a path: what must be there. */
  readonly path?: PathKind;
}

/** What must be at a path: anything, a directory, a directory or nothing; for a new file, its directory. */
export type PathKind = 'existing' | 'directory' | 'new directory' | 'new file';

/** A word of the command line, as help shows it: `FILE`, `[FILE]` if optional, `[FILE...]` for any number. */
export type WordSpec = readonly [word: string, description: string, path?: PathKind];

/** What the help of a command shows, and its command line is parsed by. All commands have the common options as well. */
export interface CommandDescription {
  /** With the name of its group: `store list`. */
  readonly name: string;
  /** A few words, for the list of all commands. */
  readonly summary: string;
  readonly description: string;
  readonly words: readonly WordSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly (readonly [command: string, description: string])[];
  /** Whether the first word ends the options: what follows is another program's. */
  readonly inOrder?: boolean;
  /** Whether another program's option grammar applies. */
  readonly isDropIn?: boolean;
}

/** Commands of two words: `store list`. */
export interface GroupDescription {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly commands: readonly CommandDescription[];
}

/** Commands under one heading of the help. */
export interface Section {
  readonly title: string;
  readonly commands: readonly (CommandDescription | GroupDescription)[];
}

export const isGroup = (
  description: CommandDescription | GroupDescription,
): description is GroupDescription => 'commands' in description;
