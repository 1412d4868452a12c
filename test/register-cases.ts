/** fixtures/kernel-errors.json: register strings, and the responses of Linux 6.18.44 and 7.3.4. */
import { decodeText } from '../src/rule/text.ts';
import cases from './fixtures/kernel-errors.json' with { type: 'json' };

export interface RegisterCase {
  readonly note: string;
  readonly register: Uint8Array;
  readonly errno: string | null;
  readonly errno73: string | null;
  /** Contents of the entry's file afterwards; empty if refused. */
  readonly entryName: string;
  readonly entryFile: Uint8Array;
  /** Registered first; `@name=v` writes v to that entry instead. */
  readonly registeredBefore: readonly string[];
}

interface RawCase {
  readonly register: string;
  readonly errno: string | null;
  readonly note: string;
  readonly entry_name?: string;
  readonly entry_file?: string;
  readonly linux_7_3?: { readonly errno: string | null };
  readonly registered_before?: readonly string[];
}

export const REGISTER_CASES: readonly RegisterCase[] = (cases as readonly RawCase[]).map((raw) => ({
  note: raw.note,
  register: unescapeText(raw.register),
  errno: raw.errno,
  errno73: raw.linux_7_3 === undefined ? raw.errno : raw.linux_7_3.errno,
  entryName: decodeText(unescapeText(raw.entry_name ?? '')),
  entryFile: unescapeText(raw.entry_file ?? ''),
  registeredBefore: raw.registered_before ?? [],
}));

/** In the file a backslash byte is `\\` and a byte outside 0x20-0x7e is `\xHH`. */
function unescapeText(text: string): Uint8Array {
  const latin1 = text.replace(/\\(?:\\|x(..))/g, (_, digits?: string) =>
    digits === undefined ? '\\' : String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Uint8Array.from(Buffer.from(latin1, 'latin1'));
}
