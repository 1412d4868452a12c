/** Encodes an entry's rule as the profile of a format (docs/catalogue.md). */
import type { Rule } from '../../rule/types.ts';

/** Lone surrogates represent bytes that are not UTF-8, which a profile cannot contain. */
const isText = (text: string): boolean => !/\p{Surrogate}/u.test(text);

export const isProfileId = (name: string): boolean => /^[a-z0-9][a-z0-9_.+-]{0,63}$/.test(name);

/** Returns YAML, a superset of JSON strings; null if a profile cannot express the rule. */
export function encodeFormatProfile({ name, pattern, interpreter, flags }: Rule): string | null {
  if (!/^\/[^\0\n]+$/.test(interpreter) || !isText(interpreter)) return null;
  if (
    pattern.type === 'extension' &&
    !(/^[^/.\0\n]{1,255}$/.test(pattern.extension) && isText(pattern.extension))
  )
    return null;
  const hex = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString('hex'));
  const match =
    pattern.type === 'extension'
      ? `type: extension, extension: ${JSON.stringify(pattern.extension)}`
      : `type: magic, offset: ${pattern.offset}, magic: ${hex(pattern.magic)}${pattern.mask === null ? '' : `, mask: ${hex(pattern.mask)}`}`;
  return `kind: format
id: ${JSON.stringify(name)}
summary: ${JSON.stringify(`files of entry ${name}`)}
aliases: []
matches:
  - { ${match} }
interpreters:
  - { path: ${JSON.stringify(interpreter)} }
${flags.length === 0 ? '' : `flags: ${flags.join('')}\n`}overlaps: []
`;
}
