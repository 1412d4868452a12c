/** The admin directory after concurrent writes, and after a kill. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeAdminFile } from '../../../src/file-format/binfmt-support.ts';
import { binfmtctl, type Ran } from '../support/command.ts';
import { BINFMT, entries, removeAllEntries, temporaryFolder } from '../support/machine.ts';
import { interruptedAt } from '../support/strace.ts';

const folder = temporaryFolder();
const admin = join(folder, 'admin');
const update = (...words: readonly string[]): Promise<Ran> =>
  binfmtctl(['update-binfmts', '--admindir', admin, ...words]);

const INSTALL_K = ['--install', 'k', '/bin/true', '--extension', 'k'] as const;

beforeEach(() => mkdirSync(admin));
afterEach(() => {
  removeAllEntries();
  rmSync(admin, { recursive: true });
});

/** Admin files by name; no program reads directories. */
const files = (): readonly string[] =>
  readdirSync(admin).filter((name) => statSync(join(admin, name)).isFile());

function expectWhole(): void {
  for (const name of files()) {
    expect(decodeAdminFile(readFileSync(join(admin, name)))).toMatchObject({
      type: 'extension',
      magic: name,
    });
  }
}

describe('the admin directory', () => {
  it('is intact after concurrent writes', async () => {
    const names = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b'];
    const ran = await Promise.all(
      names.map((name, index) => update('--install', name, `/bin/i${index}`, '--extension', name)),
    );
    expect(files().toSorted()).toEqual(['a', 'b', 'c']);
    expectWhole();
    expect(Object.keys(entries()).toSorted()).toEqual(['a', 'b', 'c']);
    // The kernel refuses the second of two entries with one name, or it exists already.
    for (const { stderr } of ran) expect(stderr).not.toMatch(/mistake in binfmtctl/);
    expect((await update('--display')).status).toBe(0);
  });

  // The system calls by which `--install` changes something, in order; each is the first of its kind.
  const changes = ['unlink', 'mkdir', 'fchmod', 'fsync', 'rename', 'rmdir', 'register'] as const;

  it.each(changes)('is intact and usable after a kill at %s', async (call) => {
    const ran = interruptedAt({ signal: 'SIGKILL', call }, [
      'update-binfmts',
      '--admindir',
      admin,
      ...INSTALL_K,
    ]);
    expect(ran).toMatchObject({ signal: 'SIGKILL' });
    expectWhole();
    expect(files()).toEqual(['rmdir', 'register'].includes(call) ? ['k'] : []);
    expect((await update('--display')).status).toBe(0);
    await update(...INSTALL_K);
    expect(files()).toEqual(['k']);
    expect(entries()['k']).toContain('interpreter /bin/true\n');
  });

  it('loses the directories of killed writers once they are a minute old', async () => {
    mkdirSync(join(admin, '.binfmtctl-old'));
    writeFileSync(join(admin, '.binfmtctl-old/new'), '');
    for (const name of readdirSync(admin)) utimesSync(join(admin, name), 0, 0);
    await update(...INSTALL_K);
    expect(readdirSync(admin)).toEqual(['k']);
    expect((await update('--disable', 'k')).status).toBe(0);
    expect(existsSync(join(BINFMT, 'k'))).toBe(false);
  });

  it('is read without blocking if a format is a pipe or endless', async () => {
    execFileSync('mkfifo', [join(admin, 'pipe')]);
    writeFileSync(join(admin, 'large'), '');
    truncateSync(join(admin, 'large'), 2 ** 30);
    expect(await update('--display')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^update-binfmts: unable to open \S+large: .*it is larger than 4194304 bytes\n$/,
      ),
    });
    expect(await update('--import', join(admin, 'pipe'))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /: it is a pipe\n.*: couldn't find information about 'pipe' to import\n/s,
      ),
    });
  });
});
