import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { archOfHeader } from '../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { findProgram, type LocatedProgram, locate } from '../../src/system/process/locate-program.ts';
import { buildProgram, code, FOREIGN, HOST } from './fixtures/programs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
const root = (...parts: string[]): string => folder('root', ...parts);
const host = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

function write(path: string, content: string | Uint8Array, mode = 0o755): void {
  writeFileSync(root(path), content, { mode });
  chmodSync(root(path), mode);
}

beforeAll(() => {
  for (const each of ['bin', 'usr/bin', 'work', 'lib', 'sbin/folder'])
    mkdirSync(root(each), { recursive: true });
  write('lib/ld.so.1', buildProgram(code.hang, { identity: FOREIGN }));
  write('bin/dash', buildProgram(code.hang, { identity: FOREIGN, interpreter: '/lib/ld.so.1' }));
  symlinkSync('dash', root('bin/sh'));
  write('bin/static', buildProgram(code.hang, { identity: FOREIGN }));
  write('bin/native', buildProgram(code.hang, { identity: HOST }));
  write('bin/script', '#!/bin/sh -e\ntrue\n');
  write('bin/spaced', '#!  /bin/sh   a b\n');
  write('bin/chain-0', '#!/bin/static\n');
  for (let index = 1; index <= 6; index++) write(`bin/chain-${index}`, `#!/bin/chain-${index - 1}\n`);
  write('bin/orphan', '#!/no/such/sh\n');
  write('bin/text', 'echo plain\n');
  write('bin/empty', '');
  write('bin/readable', buildProgram(code.hang, { identity: FOREIGN }), 0o644);
  write('bin/wrapped', '#!/bin/readable\n');
  write('work/local', buildProgram(code.hang, { identity: FOREIGN }));
  write('usr/bin/later', buildProgram(code.hang, { identity: FOREIGN }));
  write('bin/later', 'not executable', 0o644);
  mkdirSync(root('bin/folder'));
  symlinkSync('/etc/passwd', root('bin/outward'));
  symlinkSync(process.execPath, root('bin/node'));
  copyFileSync('/dev/null', root('bin/null'));
});

const find = (
  name: string,
  more: { readonly path?: string; readonly workdir?: string; readonly root?: null } = {},
) => findProgram(name, { root: root(), path: '/bin:/usr/bin', workdir: '/', ...more });
const archOf = ({ head }: Pick<LocatedProgram, 'head'>) => archOfHeader(builtinCatalogue(), head)?.id ?? null;
const facts = ({ name, file, head, loader, isInterpreter }: LocatedProgram) => ({
  name,
  file: file.replace(`${root()}/`, ''),
  arch: archOf({ head }),
  loader,
  isInterpreter,
});
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

const DASH = { name: '/bin/sh', file: 'bin/dash', loader: '/lib/ld.so.1' };

describe('a program in a root', () => {
  it('is found by its path, behind links', async () => {
    expect(facts(await find('/bin/sh'))).toEqual({
      ...DASH,
      arch: 's390x',
      isInterpreter: false,
    });
  });

  it('is found in PATH like with execvp(3): the first executable one', async () => {
    expect((await find('static')).file).toBe(root('bin/static'));
    expect((await find('later')).file).toBe(root('usr/bin/later'));
  });

  it('is found in the working directory', async () => {
    expect((await find('./local', { workdir: '/work' })).file).toBe(root('work/local'));
    expect((await find('../bin/static', { workdir: '/work' })).file).toBe(root('bin/static'));
    expect((await find('local', { workdir: '/work', path: '/bin:' })).file).toBe(root('work/local'));
  });

  it('is executed by the path of the script', async () => {
    expect((await find('script', { path: '/none:/bin' })).path).toBe('/bin/script');
    expect((await find('./bin/script')).path).toBe('./bin/script');
  });

  it('has no loader if it is static', async () => {
    expect(await find('static')).toMatchObject({ loader: null, leading: ['static'] });
  });

  it('has the architecture in its header', async () => {
    expect(archOf(await find('native'))).toBe(host);
  });

  it.each(['script', 'spaced'])('is the interpreter of a script (%s)', async (name) => {
    expect(facts(await find(name))).toMatchObject({ ...DASH, isInterpreter: true });
  });

  it('is followed through as many scripts as the kernel follows', async () => {
    expect((await find('chain-4')).file).toBe(root('bin/static'));
    const found = await find('chain-6');
    expect(facts(found)).toMatchObject({ arch: null, isInterpreter: true });
    expect(found.leading).toHaveLength(6);
  });

  it.each(['text', 'empty'])('has no architecture if it is unknown (%s)', async (name) => {
    const found = await find(name);
    expect([archOf(found), found.loader]).toEqual([null, null]);
  });

  it.each([
    ['missing', /^program missing not found in PATH of \//],
    ['/bin/missing', /^program not found: \/bin\/missing in \//],
    ['', /./],
    ['/bin/orphan', /^program not found: \/no\/such\/sh, the interpreter of \/bin\/orphan in \//],
    ['/bin/node', /^program not found: \/bin\/node in \//],
    ['/bin/static/x', /^program not found: /],
  ])('is not found as %j', async (name, message) => {
    await expect(find(name)).rejects.toThrow(refusal('PROGRAM_NOT_FOUND', message));
  });

  it.each([
    ['/bin/readable', /^cannot execute \/bin\/readable in \S+: it is not executable$/],
    ['readable', /: it is not executable$/],
    [
      '/bin/wrapped',
      /^cannot execute \/bin\/readable, the interpreter of \/bin\/wrapped in \S+: it is not executable$/,
    ],
    ['/bin/folder', /it is a directory$/],
    ['/', /it is a directory$/],
  ])('cannot be executed as %j', async (name, message) => {
    await expect(find(name)).rejects.toThrow(refusal('PROGRAM_NOT_EXECUTABLE', message));
  });

  it('is never a program of the host', async () => {
    await expect(find('/bin/outward')).rejects.toThrow(refusal('PROGRAM_NOT_FOUND', /outward/));
  });
});

describe('a program of this machine', () => {
  const here = { root: null, workdir: process.cwd() } as const;

  it('is found in PATH, with its loader', async () => {
    const { file, head, loader } = await find('sh', { ...here, path: '/nowhere:/bin' });
    expect({ file, arch: archOf({ head }), loader }).toEqual({
      file: '/bin/sh',
      arch: host,
      loader: expect.stringMatching(/ld/),
    });
  });

  it('is found from the working directory', async () => {
    expect((await find('./static', { root: null, workdir: root('bin') })).file).toBe(root('bin/static'));
  });

  it('is refused without a mention of a root', async () => {
    await expect(find(root('bin/readable'), here)).rejects.toThrow(
      refusal('PROGRAM_NOT_EXECUTABLE', /readable: it is not executable$/),
    );
    await expect(find('no-such-program', here)).rejects.toThrow(
      refusal('PROGRAM_NOT_FOUND', /^program no-such-program not found in PATH$/),
    );
  });
});

describe('locate', () => {
  it('maps a path to the host', () => {
    const where = { root: root(), path: '', workdir: '/work' };
    expect(locate('local', where)).toBe(root('work/local'));
    expect(locate('/bin/sh', where)).toBe(root('bin/dash'));
    expect(locate('/etc/passwd', where)).toBeNull();
    expect(locate('x', { ...where, root: null })).toBe(join('/work', 'x'));
  });
});
