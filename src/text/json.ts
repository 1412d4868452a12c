/** JSON helpers. */

/** JSON with bytes as hex, for the journal, registrations and `--json`. */
export function toJson(value: unknown, indent = 1): string {
  return JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? hexOf(each) : each), indent);
}

/** The JSON value in a text; null if the text is invalid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether a value is a JSON object, neither null nor an array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
