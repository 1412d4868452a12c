/** Quoting for POSIX sh. */

/** Quotes a word for sh. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes words and joins them to a command line. */
export const commandLine = (words: readonly string[]): string => words.map(quote).join(' ');

/** Bytes as a format for printf(1) that cannot be read as an option. printf writes it with one write(2), as binfmt_misc requires. */
export function printfFormat(bytes: Uint8Array): string {
  const text = [...bytes].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w:,./+]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `'${text.join('')}'`;
}
