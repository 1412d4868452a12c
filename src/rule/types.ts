/**
 * Rules and entries of binfmt_misc.
 *
 * Texts that the kernel treats as bytes (name, interpreter, extension) are strings here: UTF-8 where it is
 * valid, every other byte 0x80-0xff as the lone surrogate U+DC80-U+DCFF (as Python's PEP 383 does), so that any
 * byte string survives the way there and back. `src/rule/text.ts` converts.
 */

export type Flag = 'P' | 'O' | 'C' | 'F';

export interface MagicPattern {
  readonly type: 'magic';
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly magic: Uint8Array;
  /** As long as `magic`; null where the rule has none (then every bit counts). */
  readonly mask: Uint8Array | null;
}

export interface ExtensionPattern {
  readonly type: 'extension';
  /** Without the dot. */
  readonly extension: string;
}

export type Pattern = MagicPattern | ExtensionPattern;

export interface Rule {
  readonly name: string;
  readonly pattern: Pattern;
  readonly interpreter: string;
  /** In the kernel's order P O C F, each once; C always with O. */
  readonly flags: readonly Flag[];
}

/** What the kernel says it has been told. */
export interface Entry extends Rule {
  readonly enabled: boolean;
  /** Flag letters and lines of a later kernel that a rule does not hold (T, L …); an entry with any cannot be
   * registered again as it was. */
  readonly extra?: readonly string[] | undefined;
}
