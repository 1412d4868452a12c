import { encodeText } from '../../rule/text.ts';

/** A path for `node:fs`, of text as `src/rule/text.ts` decodes it: names need not be UTF-8. */
export const pathBytes = (path: string): Buffer => Buffer.from(encodeText(path));
