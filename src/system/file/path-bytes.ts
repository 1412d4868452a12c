import { encodeText } from '../../rule/text.ts';

/** A path for `node:fs`, from text decoded by `src/rule/text.ts`: names need not be UTF-8. */
export const pathBytes = (path: string): Buffer => Buffer.from(encodeText(path));
