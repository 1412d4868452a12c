/** The npm package in a project without other packages. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { packPackage } from '../../scripts/release/package.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { removeAllEntries } from './support/tools.ts';

const folder = temporaryFolder();
const project = (...names: readonly string[]): string => folder('project', ...names);

interface Example {
  readonly name: string;
  readonly text: string;
  /** What the page says that it prints; null if it does not say so. */
  readonly output: string | null;
}

/** The code of a page, as files for modules and scripts, each with its output. */
function examplesOf(file: string): readonly Example[] {
  const page = readFileSync(file, 'utf8');
  const indented = /(?:^ {4}.*\n|^\n(?= {4}))+/gm;
  const fenced = (code: string): string => `\`\`\`js\n${code.replaceAll(/^ {4}/gm, '')}\`\`\`\n`;
  const text = page.includes('```') ? page : page.replaceAll(indented, fenced);
  const blocks = text.matchAll(
    /^```(?:js|javascript)\n(.*?)^```\n(?:\nIt prints[^\n]*:\n\n```text\n(.*?)^```\n)?/gms,
  );
  return [...blocks]
    .filter(([, code = '']) => /binfmtctl'\)?;$/m.test(code))
    .map(([, code = '', output = null], index) => ({
      name: `example-${index}.${code.includes('require(') ? 'cjs' : 'mjs'}`,
      text: code,
      output,
    }));
}

/** The same as CommonJS. */
const asScript = ({ name, text }: Example): Pick<Example, 'name' | 'text'> => ({
  name: name.replace('.mjs', '.cjs'),
  text: `${text.replaceAll(/^import (.*) from (.*);$/gm, 'const $1 = require($2);').replace(/\n\n/, '\n\n(async () => {\n')}})();\n`,
});

const RESOLUTIONS = {
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const;

beforeAll(() => {
  const { file } = packPackage(folder());
  mkdirSync(project());
  writeFileSync(project('package.json'), '{ "private": true }\n');
  const install = ['install', '--offline', '--no-audit', '--no-fund', file];
  execFileSync('npm', install, { cwd: project(), stdio: 'ignore' });
});

/** What tsc finds wrong with a file of the project. */
const compile = (name: string, text: string, options: object): string =>
  compileAll({ [name]: text }, options);

function compileAll(files: Readonly<Record<string, string>>, options: object): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(project(name), text);
  const compilerOptions = {
    ...{ target: 'es2023', lib: ['es2023'], types: [], strict: true, noEmit: true, skipLibCheck: false },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true },
    ...options,
  };
  writeFileSync(project('tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
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

  it('declare exactly the names that import and require() return', () => {
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

  it.each(['docs/library.md', 'docs/run-and-enter.md'])('fit the examples of %s', (page) => {
    const examples = examplesOf(page).flatMap((example) =>
      example.name.endsWith('.cjs') ? [example] : [example, asScript(example)],
    );
    expect(examples).not.toEqual([]);
    const node = {
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
      allowJs: true,
      checkJs: true,
    };
    const files = Object.fromEntries(examples.map(({ name, text }) => [name, text]));
    expect(compileAll(files, { ...resolution, ...node, noImplicitAny: true })).toBe('');
  });
});

describe('the examples of docs/library.md', () => {
  const examples = examplesOf('docs/library.md');
  const [qemu = '', busybox = ''] = unpackPackages('qemu-user-static', 'busybox-static:arm64');

  beforeAll(() => {
    for (const name of ['bin', 'src', 'proc', 'sys', 'dev', 'run', 'tmp', 'etc'])
      mkdirSync(project('debian-arm64', name), { recursive: true });
    copyFileSync(join(busybox, 'bin/busybox'), project('busybox-arm64'));
    copyFileSync(join(busybox, 'bin/busybox'), project('debian-arm64/bin/busybox'));
    for (const name of ['sh', 'ls', 'uname']) symlinkSync('busybox', project('debian-arm64/bin', name));
    mkdirSync(project('source'));
    writeFileSync(project('source/Makefile'), '');
  });
  afterAll(removeAllEntries);

  /** The store of the examples is the machine's. */
  function runInPlace(
    name: string,
    store: string,
  ): { readonly status: number | null; readonly stdout: string } {
    mkdirSync(folder(store), { recursive: true });
    const script = 'mount --bind "$1" /var/lib && shift && exec "$@"';
    const words = ['--mount', 'sh', '-c', script, 'sh', folder(store), process.execPath, name];
    const { status, stdout } = spawnSync('unshare', words, {
      cwd: project(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${join(qemu, 'usr/bin')}:${process.env['PATH']}` },
    });
    return { status, stdout };
  }

  it('all say what they print', () => {
    expect(examples.length).toBeGreaterThan(10);
    expect(examples.filter(({ output }) => output === null)).toEqual([]);
  });

  it.each(['module', 'script'])('print that, each as a %s', (kind) => {
    for (const example of examples) {
      const { name, text } = kind === 'module' || example.name.endsWith('.cjs') ? example : asScript(example);
      writeFileSync(project(name), text);
      expect(runInPlace(name, kind), text).toEqual({ status: 0, stdout: example.output });
    }
    removeAllEntries();
  });
});
