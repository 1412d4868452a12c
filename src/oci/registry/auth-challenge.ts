/** Parses the WWW-Authenticate header, with which a registry asks for authentication (RFC 9110 11.6.1). */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case: `realm`, `service`, `scope`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** In characters; longer than real headers. */
const MAX_LENGTH = 8192;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PART = new RegExp(
  `\\s*(?:,|(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s",]*))|(${TOKEN}))`,
  'y',
);

/** Lists the challenges of a header in order. Stops at the first invalid part. */
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
