/**
 * Whether a name matches a glob: `*` for any text, `?` for one character. Only the last `*` is ever tried again, which
 * takes at most as many steps as name and glob have characters, multiplied; a RegExp can take exponentially many.
 */
export function matchesGlob(glob: string, name: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const sign = glob[inGlob];
    if (sign === '*') {
      star = inGlob++;
      starAt = at;
    } else if (sign === '?' || sign === name[at]) {
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
