import { chmodSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { archOfHeader } from '../../src/catalogue/resolve.ts';
import type { ElfIdentity } from '../../src/elf/types.ts';
import { findPrograms, requireRoot } from '../../src/enter/programs.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { buildProgram, code, FOREIGN, HOST } from './fixtures/programs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
const RISCV: ElfIdentity = { class: 64, byteOrder: 'little', machine: 243 };
const program = (identity: ElfIdentity, interpreter?: string): Uint8Array =>
  buildProgram(code.hang, interpreter === undefined ? { identity } : { identity, interpreter });

function rootWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = mkdtempSync(join(realpathSync(folder()), 'root-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  }
  return root;
}

async function programs(
  root: string,
  name: string | null,
  shell = '',
): Promise<readonly [string, ...string[]]> {
  const where = { root, path: '/bin', workdir: '/' };
  const found = await findPrograms(name, shell, where);
  const arches = found.heads.flatMap((head) => archOfHeader(builtinCatalogue(), head)?.id ?? []);
  return [found.program.name, ...new Set(arches)];
}

describe('requireRoot', () => {
  it('returns the directory without links', () => {
    const root = rootWith({ file: '' });
    symlinkSync(root, folder('link'));
    expect(requireRoot(folder('link'))).toBe(root);
  });

  it.each([
    ['an empty folder', () => rootWith({}), 'BAD_ROOT', /^cannot enter .*: it is an empty directory$/],
    [
      'a file',
      () => join(rootWith({ file: '' }), 'file'),
      'BAD_ROOT',
      /^cannot enter .*: it is not a directory$/,
    ],
    ['the root of this machine', () => '/proc/self/root/', 'BAD_ROOT', /is the root of this machine$/],
    ['a missing directory', () => folder('missing'), 'FILE_FAILED', /no such file or directory$/],
  ])('refuses %s', (_, path, code, message) => {
    expect(() => requireRoot(path())).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe('findPrograms', () => {
  let whole = '';
  beforeAll(() => {
    whole = rootWith({
      'lib/ld.so': program(FOREIGN),
      'bin/sh': program(FOREIGN, '/lib/ld.so'),
      'bin/zsh': program(RISCV),
      'bin/hello': program(HOST),
      'bin/script': '#!/bin/zsh\n',
      'bin/text': 'echo\n',
    });
  });

  it('uses the shell of the account', async () => {
    expect(await programs(whole, null, '/bin/zsh')).toEqual(['/bin/zsh', 'riscv64', 's390x']);
  });

  it.each(['', '/usr/sbin/nologin', '/bin', '../../../../bin/sh'])(
    'uses /bin/sh if that is %j',
    async (shell) => {
      const [name] = await programs(whole, null, shell);
      expect(name).toMatch(/bin\/sh$/);
    },
  );

  it('reads the program, the shell and their loaders, each once', async () => {
    expect(await programs(whole, 'sh')).toEqual(['/bin/sh', 's390x']);
    expect((await programs(whole, 'hello')).slice(1)).toEqual([
      process.arch === 'arm64' ? 'aarch64' : 'x86_64',
      's390x',
    ]);
    expect(await programs(whole, '/bin/script')).toEqual(['/bin/zsh', 'riscv64', 's390x']);
  });

  it('finds a loader of another architecture', async () => {
    const mixed = rootWith({ 'lib/ld.so': program(RISCV), 'bin/sh': program(FOREIGN, '/lib/ld.so') });
    expect(await programs(mixed, null)).toEqual(['/bin/sh', 's390x', 'riscv64']);
  });

  it('needs no shell if a program is named', async () => {
    expect(await programs(rootWith({ init: program(FOREIGN) }), '/init')).toEqual(['/init', 's390x']);
  });

  it('finds no architecture for a file that is not a program', async () => {
    expect(await programs(whole, 'text')).toEqual(['/bin/text', 's390x']);
    expect(await programs(rootWith({ 'bin/text': 'x' }), 'text')).toEqual(['/bin/text']);
  });

  it('finds a program and its loader in a bind mount', async () => {
    const source = rootWith({ tool: program(RISCV, '/opt/ld.so'), 'ld.so': program(RISCV) });
    const bound = [
      { source, target: 'run/src' },
      { source, target: 'opt' },
    ];
    const where = { root: whole, path: '/bin', workdir: '/run/src', bound };
    const found = await findPrograms('./tool', '', where);
    expect(found.program.file).toBe(join(source, 'tool'));
    expect(found.heads).toHaveLength(4);
  });

  it('refuses a root without a shell', async () => {
    const root = rootWith({ 'etc/passwd': '' });
    await expect(programs(root, null)).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_ROOT', message: `no shell /bin/sh in ${root}` }),
    );
    writeFileSync(join(root, 'sh'), '');
    mkdirSync(join(root, 'bin'));
    symlinkSync('../sh', join(root, 'bin/sh'));
    chmodSync(join(root, 'sh'), 0o644);
    await expect(programs(root, null)).rejects.toThrow(expect.objectContaining({ code: 'BAD_ROOT' }));
  });

  it('refuses a program that is missing, or not executable', async () => {
    await expect(programs(whole, 'missing')).rejects.toThrow(
      expect.objectContaining({ code: 'PROGRAM_NOT_FOUND' }),
    );
    await expect(programs(whole, '/bin')).rejects.toThrow(
      expect.objectContaining({ code: 'PROGRAM_NOT_EXECUTABLE' }),
    );
  });
});
