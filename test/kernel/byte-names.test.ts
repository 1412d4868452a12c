/** Names of files and entries are bytes, which need not be UTF-8. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { BINFMT } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { folder, store, at, run } = startWork();

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const NAME = bytes('b\xffr');
const inFolder = (name: string): Buffer => Buffer.concat([bytes(`${folder}/`), bytes(name)]);
const namesIn = (directory: string): readonly string[] =>
  readdirSync(directory, 'buffer')
    .map((name) => name.toString('latin1'))
    .filter((name) => !['register', 'status'].includes(name))
    .toSorted();

/** Registers `b\xffr` for a copy of true(1) at `i\xffn`. */
function registerEntry(): void {
  copyFileSync('/bin/true', inFolder('i\xffn'));
  writeFileSync(
    join(BINFMT, 'register'),
    Buffer.concat([bytes(':'), NAME, bytes(':E::byte-names::'), inFolder('i\xffn'), bytes(':')]),
  );
}

describe('a name that is not UTF-8', () => {
  it('of a file is read by import, and escaped in messages', async () => {
    const rules = join(folder, 'rules');
    mkdirSync(rules);
    writeFileSync(inFolder('rules/\xff.conf'), ':byte-file:E::byte-file::/bin/true:\n');
    expect(await run('import', rules)).toMatchObject({ status: 0 });
    expect(namesIn(BINFMT)).toEqual(['byte-file']);
    writeFileSync(inFolder('rules/\xfe.conf'), 'no rule\n');
    const failed = await run('import', rules);
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toContain(`${rules}/\\xfe.conf:1: `);
  });

  it('of a profile is escaped in messages', async () => {
    mkdirSync(at('profiles'));
    writeFileSync(inFolder('profiles/x\xff.yaml'), 'kind: arch\n');
    const { stdout, stderr } = await run('catalogue', 'lint', at('profiles'));
    expect(`${stdout}${stderr}`).toContain(`${at('profiles')}/x\\xff.yaml:1: `);
  });

  it.each(['admin', 'binfmt-support'])('of an entry stays the same in a file of form %s', async (form) => {
    registerEntry();
    const exported = await run('export', '--all', '--format', form, '--output', at('out'));
    expect(exported).toMatchObject({ status: 0, stderr: '' });
    expect(namesIn(at('out'))).toEqual(['b\xffr']);
    writeFileSync(Buffer.concat([bytes(`${BINFMT}/`), NAME]), '-1');
    expect(await run('import', at('out'))).toMatchObject({ status: 0 });
    expect(namesIn(BINFMT)).toEqual(['b\xffr']);
  });

  it('of an entry and its interpreter is escaped by status, and both are found', async () => {
    registerEntry();
    const { stdout } = await run('status', '--verbose');
    expect(stdout).toContain('b\\xffr');
    expect(stdout).toContain(`${folder}/i\\xffn`);
    const { entries } = JSON.parse((await run('status', '--json')).stdout);
    expect(entries).toMatchObject([{ entry: { name: 'b\udcffr' }, interpreterExists: true, problem: null }]);
  });

  it('of an entry can be given as status shows it', async () => {
    registerEntry();
    expect((await run('export', 'b\\xffr', '--format', 'register')).stdout).toContain(':E::byte-names::');
    expect(await run('uninstall', 'b\\xffr')).toMatchObject({ status: 0 });
    expect(namesIn(BINFMT)).toEqual([]);
  });

  it('of a format is shown as it is by update-binfmts, and escaped on a terminal', () => {
    mkdirSync(at('admin'));
    const description = [':', 'extension', '0', 'e', '', '/bin/true', '', '', '', ''].map(
      (line) => `${line}\n`,
    );
    writeFileSync(inFolder('admin/u\xff'), description.join(''));
    const words = ['update-binfmts', '--admindir', at('admin'), '--display'];
    const command = [process.execPath, resolve('dist/cli.cjs'), ...words];
    const [file = '', ...args] = command;
    expect(execFileSync(file, args, { encoding: 'latin1' })).toContain('u\xff (disabled):');
    const onTerminal = execFileSync('script', ['-qec', command.join(' '), '/dev/null'], {
      encoding: 'latin1',
    });
    expect(onTerminal).toContain('u\\xff (disabled):');
  });

  it('of a program counts where a rule takes its extension', async () => {
    copyFileSync('/bin/true', inFolder('program.\xff'));
    writeFileSync(at('taking.conf'), bytes(':taking:E::\xff::/bin/true:\n'));
    const refused = await binfmtctl(['import', at('taking.conf'), '--store', store], {
      env: { PATH: `${process.env['PATH']}:${folder}` },
    });
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('program.\\xff');
  });

  it('of an interpreter does not hide who can change it', async () => {
    copyFileSync('/bin/true', inFolder('i\xffn'));
    chmodSync(inFolder('i\xffn'), 0o777);
    const rule = Buffer.concat([bytes(':weak:E::weak::'), inFolder('i\xffn'), bytes(':F\n')]);
    writeFileSync(at('weak.conf'), rule);
    const refused = await run('import', at('weak.conf'));
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`${folder}/i\\xffn can be written by others`);
    chmodSync(inFolder('i\xffn'), 0o755);
    expect(await run('import', at('weak.conf'))).toMatchObject({ status: 0 });
    expect(existsSync(join(BINFMT, 'weak'))).toBe(true);
  });
});
