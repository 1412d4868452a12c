import { lstatSync, readlinkSync } from 'node:fs';
import { decodeText } from '../rule/text.ts';
import { fileError } from './file/file-error.ts';
import { pathBytes } from './file/path-bytes.ts';

/** Where the link at `path` leads; null if nothing is there, and undefined for what is not a link. @throws as `fileError` */
export function readLink(path: string): string | null | undefined {
  try {
    const facts = lstatSync(pathBytes(path), { throwIfNoEntry: false });
    if (facts === undefined) return null;
    return facts.isSymbolicLink() ? decodeText(readlinkSync(pathBytes(path), 'buffer')) : undefined;
  } catch (error) {
    throw fileError(error, `look at ${path}`);
  }
}
