/** The npm package, as a project without any other package has it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { removeAllEntries } from './support/tools.ts';

const folder = temporaryFolder();
const project = (...names: readonly string[]): string => folder('project', ...names);
/** The code of the page, as files for modules and scripts. */
const examplesOf = (page: string): readonly { readonly name: string; readonly text: string }[] =>
  readFileSync(page, 'utf8')
    .split(/^(?! {4}|$)/m)
    .map((block) => block.replace(/^(?! {4}).*\n/, '').replaceAll(/^ {4}/gm, ''))
    .filter((text) => /binfmtctl'\)?;$/m.test(text))
    .map((text, index) => ({ name: `example-${index}.${text.includes('require(') ? 'cjs' : 'mjs'}`, text }));
const RESOLUTIONS = {
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const;

beforeAll(() => {
  // Other tests run the build meanwhile, which `prepare` would make again.
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder()];
  const packed = execFileSync('npm', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n')));
  mkdirSync(project());
  writeFileSync(project('package.json'), '{ "private": true }\n');
  const install = ['install', '--offline', '--no-audit', '--no-fund', folder(filename)];
  execFileSync('npm', install, { cwd: project(), stdio: 'ignore' });
});

/** What tsc finds wrong with a file of the project. */
function compile(name: string, text: string, options: object): string {
  writeFileSync(project(name), text);
  const compilerOptions = {
    ...{ target: 'es2023', lib: ['es2023'], types: [], strict: true, noEmit: true, skipLibCheck: false },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true },
    ...options,
  };
  writeFileSync(project('tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }));
  const { stdout, stderr } = spawnSync(resolve('node_modules/.bin/tsc'), ['--project', project()], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

function runNode(...words: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: project(), encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe.each(Object.entries(RESOLUTIONS))('types with the module resolution %s', (_, resolution) => {
  it('compile without any other package', () => {
    const module = "import * as library from 'binfmtctl';\nexport const all = library;\n";
    expect(compile('all.mts', module, resolution)).toBe('');
  });

  it('declare the names that modules and require() get, and no others', () => {
    const print = 'console.log(JSON.stringify(Object.keys(library)))';
    const ways = [
      ['--input-type=module', '--eval', `import * as library from 'binfmtctl'; ${print}`],
      ['--input-type=commonjs', '--eval', `const library = require('binfmtctl'); ${print}`],
    ];
    const [imported, required] = ways.map((words) => JSON.parse(runNode(...words).output));
    expect(required.toSorted()).toEqual(imported);
    const declared = `import * as library from 'binfmtctl';
      export const names: Record<keyof typeof library, true> = {
        ${imported.map((name: string) => `${name}: true,`).join('\n')}
      };`;
    expect(compile('names.mts', declared, resolution)).toBe('');
    expect(compile('extra.mts', declared.replace('true,', 'true, other: true,'), resolution)).toMatch(
      /TS2353/,
    );
  });

  it.each(['docs/library.md'])('fit the examples of %s', (page) => {
    const examples = examplesOf(page);
    expect(examples).not.toEqual([]);
    const node = {
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
      allowJs: true,
      checkJs: true,
    };
    for (const { name, text } of examples)
      expect(compile(name, text, { ...resolution, ...node, noImplicitAny: true }), text).toBe('');
  });
});

describe('the examples of docs/library.md', () => {
  afterAll(removeAllEntries);

  it('print what the page says', () => {
    const [installs = { name: '', text: '' }, requires = { name: '', text: '' }] =
      examplesOf('docs/library.md');
    const [qemu = ''] = unpackPackages('qemu-user-static');
    for (const { name, text } of [installs, requires]) writeFileSync(project(name), text);
    // The store of the example is the machine's.
    const script = 'mount -t tmpfs none /var/lib && exec "$@" 2>&- ';
    const { status, stdout } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', process.execPath, project(installs.name)],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${join(qemu, 'usr/bin')}:${process.env['PATH']}` },
      },
    );
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'aarch64: qemu-aarch64\nriscv64: qemu-riscv64\n',
    });
    expect(readFileSync('docs/library.md', 'utf8')).toContain(stdout.replaceAll(/^(?=.)/gm, '    '));
    expect(runNode(project(requires.name))).toEqual({ status: 0, output: 'aarch64\n' });
  });
});
