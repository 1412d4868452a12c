import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fstab, type RootMount } from '../../src/enter/mounts/root-mounts.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();

/** What mount(8) reads: libmount, through findmnt(8). */
function read(text: string): readonly Record<string, string>[] {
  const file = folder('fstab');
  writeFileSync(file, text);
  const columns = 'SOURCE,TARGET,FSTYPE,OPTIONS';
  const output = execFileSync('findmnt', ['--fstab', '--tab-file', file, '--json', '--list', '-o', columns], {
    encoding: 'utf8',
  });
  return JSON.parse(output).filesystems;
}

// Without control characters, which findmnt(8) escapes differently; those that end fields and lines are below.
const character = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...' \\#"\'=,:é\u00a0\u2003\u3000\ufeff\u{1f40c}') },
  fc.constantFrom(...'abc0179._-'),
);
const name = fc.string({ unit: character, minLength: 1, maxLength: 20 });
const mounts = fc.array(
  fc.record({
    source: name.map((text) => `/${text}`),
    target: name.map((text) => `${text}/x`),
    type: fc.constant('none'),
    options: fc.constant(['bind', 'ro']),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('fstab', () => {
  it('is read back by libmount', () => {
    fc.assert(
      fc.property(mounts, (all: readonly RootMount[]) => {
        expect(read(fstab(all, '/the root'))).toEqual(
          all.map(({ source, target, type, options }) => ({
            source,
            target: `/the root/${target}`,
            fstype: type,
            options: options.join(','),
          })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it.each(['\t', '\n', '\r', '\v', '\f', 'a\nb c none bind 0 0\nd'])(
    'keeps a path with %j in one field',
    (part) => {
      const mount = { source: `/${part}x`, target: `${part}y`, type: 'none', options: ['bind'] };
      const [first, second] = read(fstab([mount], '/r'));
      expect(second).toBeUndefined();
      expect(first).toMatchObject({ source: mount.source, target: `/r/${mount.target}`, fstype: 'none' });
    },
  );
});
