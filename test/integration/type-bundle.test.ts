import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleTypes } from '../../scripts/types/bundle.mjs';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();

/** Bundles declaration files, by name; the first is the entry. */
function bundle(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(folder(name), text);
  return bundleTypes(folder(Object.keys(files)[0] ?? ''));
}

describe('the bundled declarations', () => {
  it('contain exactly the exports and the types that these need', () => {
    const text = bundle({
      'index.d.ts': "export { run } from './run.ts';\nexport type * from './public.ts';\n",
      'run.d.ts':
        "import type { Inner } from './inner.ts';\nexport declare function run(inner: Inner): void;\n",
      'public.d.ts': 'export type Shown = 1;\n',
      'inner.d.ts': 'export interface Inner {\n    readonly a: 1;\n}\nexport type Unused = 2;\n',
    });
    expect(text).toBe(
      [
        'declare function run(inner: Inner): void;',
        'interface Inner {\n readonly a: 1;\n}',
        'type Shown = 1;',
        'export { run, Shown };\n',
      ].join('\n'),
    );
  });

  it('keep the comments of exported declarations only', () => {
    const text = bundle({
      'index.d.ts': [
        '/** The module. */\n',
        '/** Shown. */\nexport interface Shown extends Hidden {\n    /** Kept. */\n    readonly a: 1;\n}',
        '/** Hidden. */\ninterface Hidden {\n    /** Left out. */\n    readonly b: 1;\n}\nexport {};\n',
      ].join('\n'),
    });
    expect(text.match(/\/\*\*.*\*\//g)).toEqual(['/** Shown. */', '/** Kept. */']);
  });

  it.each([
    ['a package', "import type { A } from 'other';\nexport type B = A;\n", /must not import other/],
    ['another name', "export { a as b } from './a.ts';\n", /under another name/],
    [
      'two types of one name',
      "import type { C } from './c.ts';\nexport type { C } from './a.ts';\nexport type D = C;\n",
      /C is declared in .*c\.d\.ts and .*a\.d\.ts/,
    ],
  ])('refuse %s', (_, text, message) => {
    const others = {
      'a.d.ts': 'export declare const a: 1;\nexport type C = 1;\n',
      'c.d.ts': 'export type C = 2;\n',
    };
    expect(() => bundle({ 'index.d.ts': text, ...others })).toThrow(message);
  });
});
