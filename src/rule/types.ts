/**
 * Rules and entries of binfmt_misc.
 *
 * Texts that the kernel treats as bytes (name, interpreter, extension) are strings here: UTF-8 where it is
 * valid, every other byte 0x80-0xff as the lone surrogate U+DC80-U+DCFF (as Python's PEP 383 does), so that any
 * byte string survives the way there and back. `src/rule/text.ts` converts.
 */

/** T and L since Linux 7.3; flags.ts says what each does. */
export type Flag = 'P' | 'O' | 'C' | 'F' | 'T' | 'L';

/** Matches files by bytes at an offset. */
export interface MagicPattern {
  readonly type: 'magic';
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly magic: Uint8Array;
  /** As long as `magic`; null where the rule has none (then every bit counts). */
  readonly mask: Uint8Array | null;
}

/** Matches files by the extension of their name. */
export interface ExtensionPattern {
  readonly type: 'extension';
  /** Without the dot. */
  readonly extension: string;
}

/** Which files a rule takes. */
export type Pattern = MagicPattern | ExtensionPattern;

/** A rule as the kernel is told it: which files it takes, and what runs them. */
export interface Rule {
  readonly name: string;
  readonly pattern: Pattern;
  readonly interpreter: string;
  /** In the kernel's order P O C F T L, each once; C and T always with O. */
  readonly flags: readonly Flag[];
}

/** What the kernel says it has been told. */
export interface Entry extends Rule {
  readonly enabled: boolean;
  /** Flag letters and lines of a kernel to come; an entry with any cannot be registered again as it was. */
  readonly extra?: readonly string[] | undefined;
}

/** A rule of type B (Linux 7.3): a BPF program decides what it takes, and what runs it. */
export interface BpfRule {
  readonly name: string;
  /** Name of the program, a struct_ops map of the same user namespace. */
  readonly handler: string;
  /** What the program may choose from, opened when it was bound, in the order of binding. */
  readonly interpreters: readonly BoundInterpreter[];
  /** None: the program chooses them with every file. */
  readonly flags: readonly Flag[];
}

/** An interpreter that a BPF program may choose. */
export interface BoundInterpreter {
  /** 1 to 32 printable ASCII characters. */
  readonly name: string;
  readonly path: string;
}

/** A registered rule of type B. */
export interface BpfEntry extends BpfRule {
  readonly enabled: boolean;
}

/** A rule of any type. */
export type AnyRule = Rule | BpfRule;

/** An entry of any type. */
export type AnyEntry = Entry | BpfEntry;

export const isBpf = <T extends AnyRule>(rule: T): rule is Extract<T, BpfRule> => 'handler' in rule;
