import type { Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { beginsImage, layerFilter, pathToClear, treeFilter } from '../../../src/rootfs/entry.ts';

const entry = (name: string, more: Partial<Header> = {}): Header =>
  ({ name, type: 'file', size: 0, ...more }) as Header;

describe('an entry of a tree', () => {
  it.each(['usr/bin/sh', './usr/bin/sh', '/usr/bin/sh', 'a..b/..c', './', '.wh.x', 'a/.wh..wh..opq'])(
    'named %s is kept',
    (name) => {
      expect(treeFilter()(entry(name))).toBe(true);
    },
  );

  it.each(['..', '../x', 'a/../x', './a/..', '/../x', 'a\0b'])('named %j is refused', (name) => {
    expect(() => treeFilter()(entry(name))).toThrow(/unsafe file name/);
    expect(() => treeFilter()(entry('x', { pax: { 'GNU.sparse.name': name } as never }))).toThrow(
      /unsafe file name/,
    );
  });

  it('that is a hard link to a name with .. is refused, but not a symbolic link', () => {
    expect(() => treeFilter()(entry('x', { type: 'link', linkname: '../y' }))).toThrow(/unsafe file name/);
    expect(treeFilter()(entry('x', { type: 'symlink', linkname: '../../y' }))).toBe(true);
  });

  it('that is a device is skipped, and so are hard links to it', () => {
    const keep = treeFilter();
    expect(keep(entry('./dev/null', { type: 'character-device' }))).toBe(false);
    expect(keep(entry('var/disk', { type: 'block-device' }))).toBe(false);
    expect(keep(entry('dev/zero', { type: 'link', linkname: 'dev/null' }))).toBe(false);
    expect(keep(entry('dev/fd', { type: 'symlink', linkname: '/proc/self/fd' }))).toBe(true);
    expect(keep(entry('run/initctl', { type: 'fifo' }))).toBe(true);
  });

  it('of unknown type, or with content that its type does not have, is refused', () => {
    expect(() => treeFilter()(entry('x', { type: null as never }))).toThrow(/unsupported type/);
    for (const type of ['link', 'symlink', 'directory', 'fifo'] as const)
      expect(() => treeFilter()(entry('x', { type, linkname: 'y', size: 512 }))).toThrow(/with content/);
  });
});

describe('an entry of a layer', () => {
  it('that is a whiteout is not unpacked', () => {
    for (const name of ['.wh.x', 'a/.wh.x', 'a/.wh..wh..opq', '.wh..wh.plnk', '.wh..wh.plnk/1.2'])
      expect(layerFilter()(entry(name))).toBe(false);
    expect(layerFilter()(entry('a/x'))).toBe(true);
  });

  it('determines the path to clear', () => {
    expect(pathToClear(entry('./a/.wh.x'))).toEqual({ kind: 'path', path: 'a/x' });
    expect(pathToClear(entry('.wh.x'))).toEqual({ kind: 'path', path: 'x' });
    expect(pathToClear(entry('a/.wh..wh..opq'))).toEqual({ kind: 'content', path: 'a' });
    expect(pathToClear(entry('a/b'))).toEqual({ kind: 'file', path: 'a/b' });
    for (const name of ['.wh..wh.plnk/1.2', '.wh..wh.aufs']) expect(pathToClear(entry(name))).toBeNull();
    expect(pathToClear(entry('a/', { type: 'directory' }))).toEqual({ kind: 'folder', path: 'a' });
    expect(pathToClear(entry('./', { type: 'directory' }))).toBeNull();
  });

  it.each(['.wh.', 'a/.wh..', 'a/.wh...', 'a/../../.wh.x', '../.wh.x'])('named %s is refused', (name) => {
    expect(() => pathToClear(entry(name))).toThrow(/unsafe file name/);
    expect(() => layerFilter()(entry(name))).toThrow(/unsafe file name/);
  });
});

describe('the first entry of an archive', () => {
  it('distinguishes an image from a tree', () => {
    const hex = 'a'.repeat(64);
    for (const name of [
      'oci-layout',
      'blobs/',
      'manifest.json',
      `${hex}/layer.tar`,
      `${hex}.json`,
      `sha256:${hex}`,
    ])
      expect(beginsImage(entry(name))).toBe(true);
    for (const name of ['bin', './usr/', 'blobs.txt', 'manifest.json.d/x'])
      expect(beginsImage(entry(name))).toBe(false);
    expect(beginsImage(entry('./', { type: 'directory' }))).toBeNull();
  });
});
