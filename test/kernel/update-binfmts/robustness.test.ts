/** What is left of the admin directory when several write to it at once, and when one is killed. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeAdminFile } from '../../../src/formats/binfmt-support.ts';
import { binfmtctl, type Ran } from '../support/command.ts';
import { BINFMT, entries, removeAllEntries, temporaryFolder } from '../support/machine.ts';

const folder = temporaryFolder();
const admin = join(folder, 'admin');
const update = (...words: readonly string[]): Promise<Ran> =>
  binfmtctl(['update-binfmts', '--admindir', admin, ...words]);

beforeEach(() => mkdirSync(admin));
afterEach(() => {
  removeAllEntries();
  rmSync(admin, { recursive: true });
});

/** Admin files by name; folders count for no program. */
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
  it('is whole when several write to it at once', async () => {
    const names = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b'];
    const ran = await Promise.all(
      names.map((name, index) => update('--install', name, `/bin/i${index}`, '--extension', name)),
    );
    expect(files().toSorted()).toEqual(['a', 'b', 'c']);
    expectWhole();
    expect(Object.keys(entries()).toSorted()).toEqual(['a', 'b', 'c']);
    // Of two of one name the kernel refuses the later one, or finds the entry there.
    for (const { stderr } of ran) expect(stderr).not.toMatch(/mistake in binfmtctl/);
    expect((await update('--display')).status).toBe(0);
  });

  it('is whole after a kill, wherever it comes, and the next command makes it good', async () => {
    let killed = 0;
    for (let round = 0; round < 20; round++) {
      const words = [
        'update-binfmts',
        '--admindir',
        admin,
        '--install',
        'k',
        '/bin/true',
        '--extension',
        'k',
      ];
      const child = spawn(process.execPath, [resolve('dist/cli.cjs'), ...words], { stdio: 'ignore' });
      const ended = new Promise((done) => child.once('close', done));
      await wait(60 + round * 6);
      if (child.kill('SIGKILL')) killed++;
      await ended;
      expectWhole();
      expect((await update('--display')).status).toBe(0);
    }
    expect(killed).toBeGreaterThan(10);
    await update('--install', 'k', '/bin/true', '--extension', 'k');
    expect(files()).toEqual(['k']);
    expect(entries()['k']).toContain('interpreter /bin/true\n');
    expect((await update('--disable', 'k')).status).toBe(0);
    // Folders of killed writers go once they are a minute old.
    mkdirSync(join(admin, '.binfmtctl-old'));
    writeFileSync(join(admin, '.binfmtctl-old/new'), '');
    for (const name of readdirSync(admin)) utimesSync(join(admin, name), 0, 0);
    await update('--install', 'k', '/bin/true', '--extension', 'k');
    expect(readdirSync(admin)).toEqual(['k']);
    expect((await update('--disable', 'k')).status).toBe(0);
    expect(existsSync(join(BINFMT, 'k'))).toBe(false);
  });

  it('is read without waiting where a format is a pipe, and without end', async () => {
    spawn('mkfifo', [join(admin, 'pipe')]);
    writeFileSync(join(admin, 'large'), '');
    spawn('truncate', ['--size=1G', join(admin, 'large')]);
    await expect.poll(() => readdirSync(admin).length).toBe(2);
    await expect.poll(() => statSync(join(admin, 'large')).size).toBe(2 ** 30);
    expect(await update('--display')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^update-binfmts: unable to open \S+large: .*more than 4194304 bytes\n$/),
    });
    expect(await update('--import', join(admin, 'pipe'))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /: it is a pipe\n.*: couldn't find information about 'pipe' to import\n/s,
      ),
    });
  });
});
