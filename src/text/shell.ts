/** Words for POSIX sh. Pure. */

/** A word as sh reads it back, whatever its characters. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of these words. */
export const commandLine = (words: readonly string[]): string => words.map(quote).join(' ');

/** Bytes as the format of printf(1), never an option of it, which then writes them with one write(2), as binfmt_misc wants them. */
export function printfFormat(bytes: Uint8Array): string {
  const text = [...bytes].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w:,./+]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `'${text.join('')}'`;
}
