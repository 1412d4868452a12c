/** A pattern of names: `*` for any text, `?` for one character. */
export function globOf(word: string): RegExp {
  const quoted = word.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${quoted.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

export const isGlob = (word: string): boolean => /[*?]/.test(word);
