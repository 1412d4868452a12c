import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { placeInRoot, resolveInRoot } from '../../src/system/file/root-path.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
let root = '';
const link = (target: string, ...path: string[]): void => symlinkSync(target, join(root, ...path));

beforeAll(() => {
  root = join(realpathSync(folder()), 'root');
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'usr/bin/dash'), '');
  writeFileSync(folder('secret'), '');
  link('usr/bin', 'bin');
  link('dash', 'usr/bin/sh');
  link('/usr/bin/sh', 'etc/shell');
  link('/', 'etc/root');
  link('../../../../../../../../..', 'etc/above');
  link('../../../../../../../../../usr/bin/dash', 'etc/far');
  link('/proc/self/root', 'proc');
  link('one', 'two');
  link('two', 'one');
  link('.', 'here');
  link('missing', 'dangling');
  link('/run/resolve/stub.conf', 'etc/resolv.conf');
  link(folder('secret'), 'secret');
  link('missing/../above/etc/passwd', 'etc/behind-missing');
  link('resolv.conf', 'etc/chain-0');
  for (let index = 1; index <= 41; index++) link(`many-${index - 1}`, `many-${index}`);
  writeFileSync(join(root, 'many-0'), '');
});

describe('resolveInRoot with bind mounts', () => {
  const bound = () => [
    { source: join(root, 'usr'), target: 'srv/src' },
    { source: folder('secret'), target: 'etc/shadow' },
    { source: join(root, 'etc'), target: 'srv/src/bin' },
  ];

  it.each([
    ['itself', '/srv/src', 'usr'],
    ['a path in it', '/srv/src/../src/./../../srv/src', 'usr'],
    ['a file', '/etc/shadow', '../secret'],
    ['a bind mount in a bind mount', '/srv/src/bin', 'etc'],
    ['a link in it, resolved as inside', '/srv/src/bin/shell', 'usr/bin/dash'],
    ['a name with the same prefix', '/usr/bin/dash', 'usr/bin/dash'],
  ])('finds %s', (_, path, real) => {
    expect(resolveInRoot(root, path, bound())).toBe(join(root, real));
  });

  it('finds nothing that the source lacks', () => {
    expect(resolveInRoot(root, '/srv/src/missing', bound())).toBeNull();
    expect(resolveInRoot(root, '/srv/source', bound())).toBeNull();
  });
});

describe('resolveInRoot', () => {
  it.each([
    ['a file', '/usr/bin/dash', 'usr/bin/dash'],
    ['a relative link', '/usr/bin/sh', 'usr/bin/dash'],
    ['a link to a directory', '/bin/sh', 'usr/bin/dash'],
    ['an absolute link, relative to the root', '/etc/shell', 'usr/bin/dash'],
    ['a link to /', '/etc/root/usr/bin/dash', 'usr/bin/dash'],
    ['.. above the root', '/../../usr/bin/dash', 'usr/bin/dash'],
    ['links of .. above the root', '/etc/above/usr/bin/dash', 'usr/bin/dash'],
    ['a file by .. above the root', '/etc/far', 'usr/bin/dash'],
    ['.. after a link, relative to its target', '/bin/../bin/dash', 'usr/bin/dash'],
    ['a path without / at its start', 'usr/bin/dash', 'usr/bin/dash'],
    ['empty parts and dots', '//usr/./bin//dash', 'usr/bin/dash'],
    ['the same link many times', `/${'here/'.repeat(40)}usr/bin/dash`, 'usr/bin/dash'],
    ['as many links as the kernel follows', '/many-40', 'many-0'],
  ])('follows %s', (_, path, real) => {
    expect(resolveInRoot(root, path)).toBe(join(root, real));
  });

  it.each([
    ['a loop of links', '/one'],
    ['more links than the kernel follows', '/many-41'],
    ['the same link too often', `/${'here/'.repeat(41)}usr`],
    ['a dangling link', '/dangling'],
    ["a file of the host's", '/secret'],
    ["the host's /proc", '/proc'],
    ["what the host's /proc would lead to", '/proc/etc/passwd'],
    ['a path below a file', '/usr/bin/dash/x'],
    ['.. after a missing directory', '/missing/../usr'],
    ['a name that is too long', `/${'a'.repeat(300)}`],
  ])('finds no file behind %s', (_, path) => {
    expect(resolveInRoot(root, path)).toBeNull();
  });

  it('finds the root itself', () => {
    for (const path of ['/', '', '/..', '/etc/above', '/etc/root'])
      expect(resolveInRoot(root, path)).toBe(root);
  });

  it('works in the root of this machine', () => {
    expect(resolveInRoot('/', '/proc/self/../version')).toBe('/proc/version');
  });
});

describe('placeInRoot', () => {
  it('returns the path of a missing file', () => {
    expect(placeInRoot(root, '/etc/resolv.conf')).toEqual({
      path: join(root, 'run/resolve/stub.conf'),
      exists: false,
    });
    expect(placeInRoot(root, '/dangling')).toEqual({ path: join(root, 'missing'), exists: false });
  });

  it('returns null for a loop of links', () => {
    expect(placeInRoot(root, '/one/x')).toBeNull();
  });

  it('returns null for .. after a missing directory, which could lead out of the root', () => {
    expect(placeInRoot(root, '/etc/behind-missing')).toBeNull();
    expect(placeInRoot(root, '/missing/../etc/above')).toBeNull();
  });
});

/** Small trees whose links lead anywhere. */
const part = fc.constantFrom('a', 'b', 'c', '..', '.', '', 'missing');
const path = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'));
const target = fc
  .tuple(fc.boolean(), path)
  .map(([absolute, text]) => (absolute ? `/${text}` : text))
  .filter((text) => text !== '');
const tree = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'a/a', 'a/b', 'b/a', 'b/c', 'a/a/c'),
  fc.oneof({ weight: 3, arbitrary: target }, fc.constant(null), fc.constant(undefined)),
);

describe('a path in a root', () => {
  it('stays below the root without links, whatever the links are', () => {
    let count = 0;
    fc.assert(
      fc.property(tree, fc.array(path, { minLength: 1, maxLength: 5 }), (nodes, paths) => {
        const top = join(realpathSync(folder()), `tree-${count++}`);
        mkdirSync(top);
        for (const [name, node] of Object.entries(nodes).toSorted(([a], [b]) => a.length - b.length))
          make(join(top, name), node);
        for (const each of paths) {
          const place = placeInRoot(top, `/${each}`);
          if (place === null) continue;
          expect(`${place.path}/`.startsWith(`${top}/`)).toBe(true);
          expect(place.path).not.toMatch(/\/\.\.?(\/|$)/);
          expect(place.exists).toBe(existsSync(place.path));
          for (let above = place.path; above !== top; above = dirname(above))
            expect(kindOf(above)).not.toBe('link');
        }
        rmSync(top, { recursive: true });
      }),
      { numRuns: 500 },
    );
  });
});

/** Creates a link, a directory or a file; nothing if its parent is not a directory of the tree. */
function make(path: string, node: string | null | undefined): void {
  if (kindOf(dirname(path)) !== 'folder' || kindOf(path) !== null) return;
  if (node === null) mkdirSync(path);
  else if (node === undefined) writeFileSync(path, '');
  else symlinkSync(node, path);
}

function kindOf(path: string): 'link' | 'folder' | 'file' | null {
  try {
    const facts = lstatSync(path);
    return facts.isSymbolicLink() ? 'link' : facts.isDirectory() ? 'folder' : 'file';
  } catch {
    return null;
  }
}
