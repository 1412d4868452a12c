/** JSON as we write and read it. */

/** JSON with bytes as hex, for journal, registrations and `--json`. */
export function toJson(value: unknown, indent = 1): string {
  return JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? hexOf(each) : each), indent);
}

/** The JSON value of a text, or null where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether a value is an object of JSON, neither null nor a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
