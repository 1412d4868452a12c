import fc from 'fast-check';
import type { Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../../../src/archive/tar-reader.ts';
import type { RolesByPath } from '../../../src/sources/members.ts';
import { isSettled, newSearch, searchLayer } from '../../../src/sources/search.ts';

type Entry = { readonly name: string; readonly type: Header['type']; readonly text?: string };

const WANTED = ['/a/b/one', '/a/two', '/three'];
const wanted = (): RolesByPath =>
  new Map(WANTED.map((path) => [path, [{ guest: path, emulator: 'qemu', name: 'qemu' }]]));

async function* entriesOf(layer: readonly Entry[]): AsyncGenerator<TarEntry> {
  for (const { name, type, text = '' } of layer) {
    const header = { name, type, size: text.length } as Header;
    async function* bytes() {
      yield new TextEncoder().encode(text);
    }
    yield { header, offset: 0, bytes: bytes() };
  }
}

/** Result of a search from the highest layer down: path → text. */
async function search(layers: readonly (readonly Entry[])[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const searching = newSearch(wanted(), async (path, _roles, bytes) => {
    for await (const chunk of bytes) found[path] = new TextDecoder().decode(chunk);
  });
  for (const layer of layers.toReversed()) {
    if (isSettled(searching)) break;
    await searchLayer(entriesOf(layer), searching);
  }
  return found;
}

/** The same result from unpacking all layers into a root, lowest first. */
function unpack(layers: readonly (readonly Entry[])[]): Record<string, string> {
  const root = new Map<string, string>();
  const remove = (path: string, itself: boolean): void => {
    for (const each of [...root.keys()])
      if ((itself && each === path) || each.startsWith(path === '/' ? '/' : `${path}/`)) root.delete(each);
  };
  for (const layer of layers) {
    for (const { name } of layer) {
      const match = /^(.*?)\.wh\.(.+)$/.exec(`/${name}`);
      if (match === null) continue;
      const [, folder = '', target = ''] = match;
      if (target === '.wh..opq') remove(folder === '/' ? '/' : folder.slice(0, -1), false);
      else remove(`${folder}${target}`, true);
    }
    for (const { name, type, text = '' } of layer) {
      if (name.includes('.wh.')) continue;
      if (type === 'directory') continue;
      remove(`/${name}`, true);
      root.set(`/${name}`, text);
    }
  }
  return Object.fromEntries(WANTED.flatMap((path) => (root.has(path) ? [[path, root.get(path) ?? '']] : [])));
}

// No layer contains a path and its whiteout, or a file and a directory at one path: unpackers disagree on the result.
const file = (name: string) =>
  fc.string({ maxLength: 3, minLength: 1 }).map((text): Entry => ({ name, type: 'file', text }));
const mark = (name: string): Entry => ({ name, type: 'file' });
const files = fc
  .subarray(['a/b/one', 'a/two', 'three', 'a/other'])
  .chain((names) => fc.tuple(...names.map(file)));
const layer = fc.oneof(
  files,
  fc
    .subarray([
      'a/b/.wh.one',
      'a/.wh.b',
      '.wh.a',
      '.wh.three',
      'a/.wh..wh..opq',
      '.wh..wh..opq',
      'a/b/.wh..wh..opq',
    ])
    .map((names) => names.map(mark)),
  fc.constantFrom('a', 'a/b').chain((name) => fc.tuple(file(name))),
  files.map((list): Entry[] => [{ name: 'a/.wh..wh..opq', type: 'file' }, ...list]),
);

describe('a search through layers', () => {
  it('finds the files that the root of a container has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { maxLength: 5 }), async (layers) => {
        expect(await search(layers)).toEqual(unpack(layers));
      }),
      { numRuns: 1000 },
    );
  });
});
