import { describe, expect, it } from 'vitest';
import type { Entry, Pattern } from '../../../src/rule/types.ts';
import { hiddenEntries } from '../../../src/safety/hidden-entries.ts';

const magic = (text: string, offset = 0): Pattern => ({
  type: 'magic',
  offset,
  magic: Buffer.from(text),
  mask: null,
});
const extension = (text: string): Pattern => ({ type: 'extension', extension: text });
const entry = (pattern: Pattern, enabled = true): Entry => ({
  name: 'other',
  enabled,
  pattern,
  interpreter: '/bin/other',
  flags: [],
});

describe('hiddenEntries', () => {
  it.each([
    ['of the same bytes', magic('MZ'), magic('MZ'), 1],
    ['of more bytes', magic('MZ'), magic('MZqFpD'), 1],
    ['of fewer bytes', magic('MZqFpD'), magic('MZ'), 1],
    ['of other bytes', magic('MZ'), magic('AB'), 0],
    ['of bytes elsewhere', magic('MZ'), magic('AI', 8), 0],
    ['of the same extension', extension('exe'), extension('exe'), 1],
    ['of another extension', extension('exe'), extension('jar'), 0],
    ['of an extension, with a magic', magic('MZ'), extension('exe'), 0],
  ])('handles an entry %s', (_, rule, other, count) => {
    expect(hiddenEntries([entry(other)])(rule)).toHaveLength(count);
  });

  it('ignores disabled entries', () => {
    expect(hiddenEntries([entry(magic('MZ'), false)])(magic('MZ'))).toEqual([]);
  });
});
