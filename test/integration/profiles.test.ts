/** Users' profiles from directories. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { lintDirectories } from '../../src/profiles/lint.ts';
import { loadCatalogue } from '../../src/profiles/load.ts';
import { ARCH, EMULATOR, FORMAT } from '../unit/catalogue/profiles.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();

/** A directory with these files. */
async function folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  await Promise.all(['', 'arch', 'format'].map((each) => mkdir(at(name, each), { recursive: true })));
  await Promise.all(Object.entries(files).map(([path, text]) => writeFile(at(name, path), text)));
  return at(name);
}

const lintOf = async (directory: string): Promise<readonly string[]> =>
  (await lintDirectories([directory])).map(
    ({ file, line, message }) => `${file.slice(directory.length + 1)}:${line}: ${message}`,
  );

describe('loadCatalogue', () => {
  it('is the built-in one without directories', async () => {
    expect(await loadCatalogue([])).toBe(builtinCatalogue());
  });

  it('adds profiles from a directory and its subdirectories for each kind', async () => {
    const own = await folder('adds', {
      'arch/pdp11.yaml': stringify(ARCH),
      'format/tape.yml': stringify(FORMAT),
      'simh.yaml': stringify(EMULATOR),
      'README.md': 'no profile',
    });
    const { arches, formats, emulators } = await loadCatalogue([own]);
    expect([arches['pdp11'], formats['tape'], emulators['simh']]).toEqual([ARCH, FORMAT, EMULATOR]);
    expect(Object.keys(arches)).toHaveLength(Object.keys(builtinCatalogue().arches).length + 1);
  });

  it('replaces profiles of the same kind and id; the last directory wins', async () => {
    const [first, second] = await Promise.all(
      ['first', 'second'].map((summary) =>
        folder(summary, { 'qemu.yaml': stringify({ ...builtinCatalogue().emulators['qemu'], summary }) }),
      ),
    );
    const { emulators } = await loadCatalogue([first ?? '', second ?? '']);
    expect(emulators['qemu']?.summary).toBe('second');
  });

  it('reports problems with file and line: BAD_PROFILE', async () => {
    const own = await folder('wrong', { 'tape.yaml': `${stringify(FORMAT)}colour: red\n` });
    await expect(loadCatalogue([own])).rejects.toMatchObject({
      code: 'BAD_PROFILE',
      message: expect.stringMatching(/tape\.yaml:\d+: colour: unknown key/),
      hint: expect.stringContaining('catalogue lint'),
    });
  });

  it('reports a missing directory: BAD_PROFILE', async () => {
    await expect(loadCatalogue([at('nowhere')])).rejects.toMatchObject({ code: 'BAD_PROFILE' });
  });
});

describe('lintDirectories', () => {
  it('finds no problems in the built-in profiles', async () => {
    expect(await lintDirectories([])).toEqual([]);
  });

  it('gives the line of the invalid part', async () => {
    const lines = [
      'kind: format',
      'id: tape',
      'summary: paper tape',
      'matches:',
      '  - type: extension',
      '    extension: a.b',
      'interpreters: [ { path: reader } ]',
    ];
    const own = await folder('lines', { 'tape.yaml': lines.join('\n') });
    expect(await lintOf(own)).toEqual([
      'tape.yaml:6: matches.0.extension: must be an extension without a dot',
      'tape.yaml:7: interpreters.0.path: must be an absolute path',
    ]);
  });

  it('survives hostile files, and still reads a valid one', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
      'c: &c [*b,*b,*b,*b,*b,*b,*b,*b]',
      'd: [*c,*c,*c,*c,*c]',
    ];
    const own = await folder('hostile', {
      'bomb.yaml': bomb.join('\n'),
      'empty.yaml': '',
      'deep.yaml': '['.repeat(1 << 14),
      'huge.yaml': 'x'.repeat((1 << 20) + 1),
      'keys.yaml': Array.from({ length: 4000 }, (_, index) => `k${index}:\n`).join(''),
      'latin.yaml': Uint8Array.of(0xff, 0xfe),
      'many.yaml': 'kind: arch\n---\nkind: arch\n',
      'name.yaml': stringify(FORMAT),
      'tape.yaml': stringify(FORMAT),
      'twice.yaml': 'kind: arch\nkind: arch\n',
    });
    await mkdir(at('hostile/folder.yaml'));
    await symlink('/nowhere', at('hostile/dangling.yaml'));
    await promisify(execFile)('mkfifo', [at('hostile/fifo.yaml')]);
    const problems = await lintOf(own);
    const files = [...new Set(problems.map((problem) => problem.split(':')[0]))];
    expect(files).toEqual(
      'bomb dangling deep empty fifo folder huge keys latin many name twice'
        .split(' ')
        .map((name) => `${name}.yaml`),
    );
    expect(problems).toContain('name.yaml:2: id: is tape, but the file name is name.yaml');
    expect(problems).toContain('deep.yaml:1: nested too deeply');
    expect(problems).toContain('twice.yaml:2: Map keys must be unique');
  });

  it('finds a profile that is defined twice in a directory', async () => {
    const own = await folder('pair', {
      'tape.yaml': stringify(FORMAT),
      'format/tape.yaml': stringify(FORMAT),
    });
    expect(await lintOf(own)).toEqual([
      `format/tape.yaml:2: id: format tape is also defined in ${own}/tape.yaml`,
    ]);
  });
});
