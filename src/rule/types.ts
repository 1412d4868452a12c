/**
 * Rules and entries of binfmt_misc.
 *
 * The kernel treats name, interpreter and extension as bytes. Here they are strings: valid UTF-8 is decoded, every
 * other byte 0x80-0xff becomes the lone surrogate U+DC80-U+DCFF (as in Python's PEP 383), so any byte string survives a
 * round trip. `src/rule/text.ts` converts.
 */

/** T and L require Linux 7.3; flags.ts explains each. */
export type Flag = 'P' | 'O' | 'C' | 'F' | 'T' | 'L';

/** Matches files by bytes at an offset. */
export interface MagicPattern {
  readonly type: 'magic';
  /** In bytes from the start of the file. */
  readonly offset: number;
  readonly magic: Uint8Array;
  /** As long as `magic`; null for no mask (every bit is compared). */
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
  /** In the kernel's order P O C F T L, without repetitions; C and T imply O. */
  readonly flags: readonly Flag[];
}

/** A registered rule, as the kernel reports it. */
export interface Entry extends Rule {
  readonly enabled: boolean;
  /** Unknown flag letters and lines, of newer kernels; an entry with any cannot be registered again unchanged. */
  readonly extra?: readonly string[] | undefined;
}

/** A rule of type B (Linux 7.3): a BPF program decides which files it matches, and which interpreter runs them. */
export interface BpfRule {
  readonly name: string;
  /** Name of the program, a struct_ops map of the same user namespace. */
  readonly handler: string;
  /** Interpreters that the program can choose from, in the order of binding; opened when bound. */
  readonly interpreters: readonly BoundInterpreter[];
  /** Empty: the program chooses flags for each file. */
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
