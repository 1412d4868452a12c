/** ar(5), as far as Debian's packages use it (deb(5)). Pure. */

export const AR_MAGIC = '!<arch>\n';
export const AR_HEADER_SIZE = 60;

export interface ArMember {
  readonly name: string;
  /** Bytes, after which comes one more where that is odd. */
  readonly size: number;
}

/** The 60 bytes before a member; null for what is no such header. */
export function parseArHeader(bytes: Uint8Array): ArMember | null {
  const text = String.fromCharCode(...bytes.subarray(0, AR_HEADER_SIZE));
  const size = /^(\d+) *$/.exec(text.slice(48, 58))?.[1];
  if (text.length !== AR_HEADER_SIZE || size === undefined || !text.endsWith('`\n')) return null;
  // GNU's ar ends names by a slash.
  return { name: text.slice(0, 16).replace(/\/? *$/, ''), size: Number(size) };
}
