/** `export` to every form, and `import` of the result. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FORMS } from '../../src/transfer/recognise.ts';
import { binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import { BINFMT, instance, registerForeign, removeAllEntries, switchEntry } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { store, at, put, run } = startWork();

const RULES = [
  ':a jar:E::jar::/usr/bin/jexec:',
  ':b-wine:M::MZ::/usr/bin/wine:PF',
  ':c-clr:M::MZ\\x90\\x00:\\xff\\xff\\xff\\x0f:/usr/bin/cli:',
  ':d:M:1:BC::/bin/true:OC',
];

/** With flag F, the kernel opens the interpreter; with F or C, `import` checks it. */
const registerAll = (): void => {
  for (const rule of RULES) registerForeign(rule.replace(/\/usr\/bin\/wine/, '/bin/true'));
};

describe('export --all, and then import,', () => {
  it.each(FORMS)('reproduces the entries in form %s', async (form) => {
    registerAll();
    const names = form === 'profile' ? ['b-wine', 'c-clr', 'd'] : [];
    if (form === 'profile') writeFileSync(join(BINFMT, 'a jar'), '-1');
    const before = instance();
    const output = at('out');
    const exported = await run('export', '--all', '--format', form, '--output', output);
    expect(exported).toMatchObject({ status: 0, stderr: '' });
    const files = ['binfmt.d', 'register'].includes(form)
      ? [output]
      : readdirSync(output).map((name) => join(output, name));
    expect(exported.stdout.trim().split('\n').toSorted()).toEqual(files.toSorted());
    removeAllEntries();
    if (form === 'profile') {
      // A profile's interpreter must exist.
      for (const name of names) {
        const path = join(output, `${name}.yaml`);
        writeFileSync(path, readFileSync(path, 'utf8').replace(/\/usr\/bin\/\w+/, '/bin/true'));
      }
    }
    expect(await run('import', output)).toMatchObject({ status: 0 });
    const same =
      form === 'profile'
        ? before.map(([name, text]) => [name, text?.replace(/\/usr\/bin\/\w+/, '/bin/true')])
        : before;
    expect(instance()).toEqual(same);
    expect(await run('import', output)).toMatchObject({
      status: 0,
      stdout: /^✔ \d+ entr(y|ies) registered already: .*\n$/,
    });
  });

  it('keeps disabled entries in a single file', async () => {
    registerAll();
    switchEntry('d', 'off');
    const before = instance();
    const { stdout } = await run('export', '--all');
    removeAllEntries();
    expect(await run('import', put('all.conf', stdout))).toMatchObject({ status: 0 });
    expect(instance()).toEqual(before);
  });

  it('reproduces the entries of another mounted instance', async () => {
    registerAll();
    switchEntry('d', 'off');
    const before = instance();
    const script = `unshare --user --map-root-user --mount sh -c 'mount -t binfmt_misc new ${BINFMT} && exec "$@"' sh`;
    mkdirSync(at('seen'));
    const ran = await binfmtctl(['import', at('seen'), '--store', store, '--binfmt-dir', BINFMT], {
      within: inShell(`mount --bind ${BINFMT} ${at('seen')} && set -- ${script} "$@"`),
    });
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toMatch(new RegExp(`^✔ registered ${before.length} entries: `));
    expect(ran.stdout).toContain('\n✔ disabled 1 entry: d\n');
    expect(instance()).toEqual(before);
  });
});

describe('export', () => {
  beforeEach(registerAll);

  it('reports what a form cannot express, and fails', async () => {
    registerForeign(':e:E::e::/bin/e:O');
    registerForeign(',f,E,,f,,/bin/x:y,');
    registerForeign(':aa:M::MZ::/bin/aa:');
    switchEntry('d', 'off');
    expect(await run('export', '--all', '--format', 'admin', '--output', at('out'))).toMatchObject({
      status: 1,
      stderr: `lost: e: flag O: binfmt-support sets it only together with C
lost: aa: its order before b-wine, c-clr, e: files are read in name order
left out: d: it is disabled, which this form cannot express
left out: f: it contains a \`:\`, which ends a field in update-binfmts
`,
    });
    expect(readdirSync(at('out')).toSorted()).toEqual(['a jar', 'aa', 'b-wine', 'c-clr', 'e']);
  });

  it('accepts names and globs', async () => {
    expect((await run('export', 'd', 'c-*', '--format', 'register')).stdout).toBe(
      ':c-clr:M::MZ\\x90\\x00:\\xff\\xff\\xff\\x0f:/usr/bin/cli:\n:d:M:1:BC::/bin/true:OC\n',
    );
    const { files } = await documentOf<{ files: readonly { path: string; text: string }[] }>([
      ...['export', 'd', '--format', 'binfmt-support'],
    ]);
    expect(files).toEqual([
      { path: 'd', text: expect.stringMatching(/^package binfmtctl\n(.*\n)*magic \\x42\\x43\n/) },
    ]);
  });

  it('never overwrites a file', async () => {
    put('out', 'mine\n');
    await expectRefusal(['export', 'd', '--output', at('out')], {
      status: 1,
      code: 'FILE_FAILED',
      message: /^cannot write .*out: a file with other contents exists$/,
      hint: /--output/,
    });
    mkdirSync(at('folder'));
    put('folder/d', 'mine\n');
    const words = ['export', '--all', '--format', 'admin', '--output', at('folder')];
    await expectRefusal(words, {
      status: 1,
      code: 'FILE_FAILED',
      message: /folder\/d: a file with other contents exists$/,
      hint: /--output/,
    });
    expect(readdirSync(at('folder'))).toEqual(['d']);
  });

  it.each([
    [['export'], 2, 'USAGE', /needs a name or --all/],
    [['export', 'd', '--all'], 2, 'USAGE', /not both/],
    [['export', 'none'], 1, 'ENTRY_NOT_FOUND', /^entry "none" not found$/],
    [['export', 'x*'], 1, 'ENTRY_NOT_FOUND', /^entry "x\*" not found$/],
    [['export', 'd', '--format', 'yaml'], 2, 'USAGE', /--format/],
    [['export', '--all', '--binfmt-dir', '/tmp'], 3, 'NO_BINFMT_MISC', /no binfmt_misc/],
  ] as const)('refuses %j', async (words, status, code, message) => {
    await expectRefusal(words, { status, code, message, hint: /./ });
  });
});
