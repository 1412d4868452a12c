/** What a registry answers who has not said who he is: the header WWW-Authenticate (RFC 9110 11.6.1). */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case: `realm`, `service`, `scope`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Longer than any that a registry sends. */
const MAX_LENGTH = 8192;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PART = new RegExp(
  `\\s*(?:,|(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s",]*))|(${TOKEN}))`,
  'y',
);

/** The challenges of a header, in order. What cannot be read ends them. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  if (header.length > MAX_LENGTH) return challenges;
  PART.lastIndex = 0;
  for (let match = PART.exec(header); match !== null; match = PART.exec(header)) {
    const [, key, quoted, plain, scheme] = match;
    if (scheme !== undefined)
      challenges.push({ scheme: scheme.toLowerCase(), parameters: Object.create(null) });
    const parameters = challenges.at(-1)?.parameters;
    if (key !== undefined && parameters !== undefined)
      parameters[key.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  }
  return challenges;
}
