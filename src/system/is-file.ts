import { statSync } from 'node:fs';
import { encodeText } from '../rule/text.ts';

/** Whether there is a regular file; links are followed. */
export function isFile(path: string): boolean {
  try {
    return statSync(Buffer.from(encodeText(path))).isFile();
  } catch {
    return false;
  }
}
