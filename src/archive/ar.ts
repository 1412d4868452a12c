/** The subset of ar(5) that Debian packages use (deb(5)). Pure. */

export const AR_MAGIC = '!<arch>\n';
export const AR_HEADER_SIZE = 60;

export interface ArMember {
  readonly name: string;
  /** In bytes. The archive pads an odd size with one more byte. */
  readonly size: number;
}

/** Parses the 60-byte header of a member; null if it is invalid. */
export function parseArHeader(bytes: Uint8Array): ArMember | null {
  const text = String.fromCharCode(...bytes.subarray(0, AR_HEADER_SIZE));
  const size = /^(\d+) *$/.exec(text.slice(48, 58))?.[1];
  if (text.length !== AR_HEADER_SIZE || size === undefined || !text.endsWith('`\n')) return null;
  // GNU ar appends a slash to names.
  return { name: text.slice(0, 16).replace(/\/? *$/, ''), size: Number(size) };
}
