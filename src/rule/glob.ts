/**
 * True if a name matches a glob: `*` for any text, `?` for one character. Only backtracks to the last `*`, so the time
 * is at most proportional to the product of both lengths; a RegExp can take exponential time.
 */
export function matchesGlob(glob: string, name: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const character = glob[inGlob];
    if (character === '*') {
      star = inGlob++;
      starAt = at;
    } else if (character === '?' || character === name[at]) {
      inGlob++;
      at++;
    } else if (star !== -1) {
      inGlob = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}

export const isGlob = (word: string): boolean => /[*?]/.test(word);
