import { describe, expect, it } from 'vitest';
import { publishedManifest } from '../../scripts/release/package.mjs';

describe('the manifest of the npm package', () => {
  it('leaves out what only the repository needs, and derives the addresses from its name', () => {
    const manifest = {
      name: 'binfmtctl',
      private: true,
      repository: 'github:someone/binfmtctl',
      scripts: { prepare: 'build' },
      devDependencies: { typescript: '7' },
      files: ['dist'],
    };
    expect(publishedManifest(manifest)).toEqual({
      name: 'binfmtctl',
      files: ['dist'],
      homepage: 'https://github.com/someone/binfmtctl#readme',
      repository: { type: 'git', url: 'git+https://github.com/someone/binfmtctl.git' },
      bugs: { url: 'https://github.com/someone/binfmtctl/issues' },
    });
  });

  it('refuses a repository without a name', () => {
    expect(() => publishedManifest({ repository: 'https://example.org/binfmtctl' })).toThrow(
      /"repository" must be "github:OWNER\/NAME"/,
    );
  });
});
