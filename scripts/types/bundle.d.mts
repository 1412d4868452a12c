/** The text of a declaration file that exports what the file `entry` exports, and imports nothing. */
export function bundleTypes(entry: string): string;
