/** `import` of valid and invalid files. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binfmtctl, expectRefusal, inShell } from './support/command.ts';
import { BINFMT, entries, instance, registerForeign } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { folder: work, store, at, put, run } = startWork();

describe('import', () => {
  it('gives later files precedence, because the last registration wins', async () => {
    mkdirSync(at('d'));
    put('d/20.conf', ':two:E::x::/bin/two:\n');
    put('d/10.conf', ':one:E::x::/bin/one:\n:two:E::old::/bin/old:\n');
    expect(await run('import', at('d'))).toMatchObject({ status: 0 });
    expect(instance().map(([name]) => name)).toEqual(['two', 'one']);
    expect(entries()['two']).toContain('interpreter /bin/two');
  });

  it('warns about an older entry that a new rule hides', async () => {
    registerForeign(':WSLInterop:M::MZ::/bin/old:');
    const file = put('rules', ':cli:M::MZ::/bin/new:\n:jar:E::jar::/bin/jar:\n');
    const ran = await run('import', file);
    expect(ran.status).toBe(0);
    expect(ran.stderr.match(/takes precedence over.*/g)).toEqual([
      'takes precedence over the older entry WSLInterop',
    ]);
    expect((await run('import', file)).stderr).not.toContain('takes precedence');
  });

  it('replaces an entry only with --replace', async () => {
    registerForeign(':a:E::a::/bin/old:');
    const before = instance();
    const file = put('rules', ':a:E::a::/bin/new:\n:b:E::b::/bin/b:\n');
    await expectRefusal(['import', file, '--store', store], {
      status: 1,
      code: 'ENTRY_EXISTS',
      message: /^entry a exists and differs from the imported rules$/,
      hint: /--replace/,
    });
    expect(instance()).toEqual(before);
    expect(await run('import', file, '--replace', '--dry-run')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^would register a\.staged /),
    });
    expect(instance()).toEqual(before);
    expect(await run('import', file, '--replace')).toMatchObject({ status: 0 });
    expect(instance().map(([name, text]) => [name, text?.split('\n')[1]])).toEqual([
      ['b', 'interpreter /bin/b'],
      ['a', 'interpreter /bin/new'],
    ]);
  });

  it('rolls back everything if the kernel refuses a rule', async () => {
    mkdirSync(at('noexec'));
    const file = put('rules', `:a:E::a::/bin/a:\n:b:E::b::${at('noexec/true')}:F\n`);
    const within = inShell(`mount -t tmpfs -o noexec none ${at('noexec')} && cp /bin/true ${at('noexec')}`);
    const ran = await binfmtctl(['import', file, '--store', store], { within });
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('its file system is mounted noexec'),
    });
    expect(instance()).toEqual([]);
  });

  it('omits formats with a detector, and imports the rest', async () => {
    put(
      'clr',
      'package mono\ninterpreter /usr/bin/cli\nmagic MZ\ndetector /usr/lib/cli/binfmt-detector-cli\n',
    );
    put('jar', 'package jar\ninterpreter /usr/bin/jexec\nextension jar\n');
    expect(await run('import', work)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^left out: \S+\/clr: the kernel cannot run its detector /),
    });
    expect(Object.keys(entries())).toEqual(['jar']);
  });

  it('reports unknown keys: QEMU wrote `credential` for years', async () => {
    put('qemu-x', 'package qemu-x\ninterpreter /usr/bin/qemu-x\nmagic XX\ncredential yes\n');
    expect(await run('import', work)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/lost: \S+\/qemu-x: unknown to binfmt-support: "credential"\n$/),
    });
    expect(entries()['qemu-x']).toContain('flags: \n');
  });

  it("reads the output of QEMU's qemu-binfmt-conf.sh --exportdir, for Debian and for systemd", async () => {
    const zeros = '\\x00'.repeat(9);
    const ones = '\\xff'.repeat(9);
    mkdirSync(at('export'));
    put(
      'export/qemu-s390x',
      `package qemu-s390x
interpreter /bin/true
magic \\x7fELF\\x02\\x02\\x01${zeros}\\x00\\x02\\x00\\x16
mask \\xff\\xff\\xff\\xff\\xff\\xff\\xff${ones}\\xff\\xfe\\xff\\xff
credentials yes
preserve no
fix_binary yes
`,
    );
    put(
      'export/qemu-arm.conf',
      `:qemu-arm:M::\\x7fELF\\x01\\x01\\x01${zeros}\\x02\\x00\\x28\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff${ones}\\xfe\\xff\\xff\\xff:/bin/true:OCFP\n`,
    );
    expect(await run('import', at('export'))).toMatchObject({ status: 0 });
    expect(instance().map(([name, text]) => [name, text.split('\n')[2]])).toEqual([
      ['qemu-s390x', 'flags: OCF'],
      ['qemu-arm', 'flags: POCF'],
    ]);
  });

  it('ignores text after the ten lines of an admin file', async () => {
    const text = ':\nextension\n0\nadm\n\n/bin/a\n\n\nyes\n\nmore\nlines\n';
    expect(await run('import', put('adm', text))).toMatchObject({ status: 0 });
    expect(entries()['adm']).toContain('flags: P\n');
  });

  it.each([
    [
      'CR LF and a later key in capitals',
      'package p\r\ninterpreter /bin/a\r\nmagic XX\r\nMagic YY\r\n',
      'magic 5959',
    ],
    [
      'Latin-1',
      Buffer.from('package p\ninterpreter /bin/caf\xe9\nextension \xe9\n', 'latin1'),
      'interpreter /bin/caf\xe9',
    ],
    ['a value that begins with a blank', 'package p\ninterpreter /bin/a\nextension  x\n', 'extension . x'],
  ])('reads a format file with %s', async (_, text, line) => {
    expect(await run('import', put('f', text))).toMatchObject({ status: 0 });
    expect(entries()['f']).toContain(`${line}\n`);
  });

  it.each([
    ['rules', ':a:E::a::/bin/a\n', /rules:1: no delimiter|rules:1: /],
    ['rules', ':a:E::a::/bin/a:\n\0\0\0\n', /rules:2: invalid size of 3 bytes/],
    ['rules', `:${'n'.repeat(300)}:E::a::/bin/a:\n`, /rules:1: name is too long: 300 bytes/],
    ['a.conf', ':a:X::a::/bin/a:\n:b/:E::a::/bin/a:\n', /a\.conf:1: .*; .*a\.conf:2: /],
    ['f', 'package p\ninterpreter /bin/a\n', /f: either --magic or --extension is required/],
    ['f', 'package p\ninterpreter /bin/a\nmagic X\nextension y\n', /can't use both --magic and --extension/],
    [
      'f',
      'package p\ninterpreter /bin/a\nmagic\tX\nextension y\nmask z\n',
      /can't use --mask with --extension/,
    ],
    ['f', 'package p\nmagic XXXX\n', /f: the interpreter is empty/],
    ['adm', 'p\nmagic\n0\nAB\n', /adm: incomplete: mask is missing/],
    ['adm', 'p\nmagic\n0\nA\0B\n\n/bin/a\n', /adm: contains a NUL byte/],
    ['p.yaml', 'kind: format\nid: q\n', /p\.yaml:\d+: /],
    ['p.yaml', 'kind: [\n', /p\.yaml:\d+: /],
  ])('refuses %s with %j without registering anything', async (name, text, message) => {
    put('good', ':good:E::good::/bin/good:\n');
    await expectRefusal(['import', at('good'), put(name, text), '--store', store], {
      status: 2,
      code: 'BAD_RULE',
      message,
      hint: /nothing was registered/,
    });
    expect(instance()).toEqual([]);
  });

  it('refuses files without rules immediately', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('/nowhere', at('dangling'));
    symlinkSync('loop', at('loop'));
    execFileSync('truncate', ['--size=1G', at('large.conf')]);
    const failed = { status: 1, code: 'FILE_FAILED', hint: /./ } as const;
    for (const [name, message, { status, code, hint }] of [
      ['pipe', /it is a pipe$/, failed],
      ['dangling', /no such file/, { status: 2, code: 'USAGE', hint: null }],
      ['loop', /too many symbolic links/, failed],
      ['large.conf', /is larger than 4194304 bytes$/, failed],
    ] as const)
      await expectRefusal(['import', at(name), '--store', store], { status, code, message, hint });
    expect(await run('import', work)).toMatchObject({ status: 1 });
    rmSync(at('large.conf'));
    expect(await run('import', work)).toMatchObject({ status: 0, stdout: 'no rules found\n' });
    expect(await run('import', '/dev/null')).toMatchObject({ status: 0, stdout: 'no rules found\n' });
  });

  it('reads files of a directory whose names are not UTF-8', async () => {
    const path = Buffer.concat([Buffer.from(`${work}/`), Buffer.from('\xff.conf', 'latin1')]);
    writeFileSync(path, ':odd:E::odd::/bin/true:\n');
    expect(await run('import', work)).toMatchObject({ status: 0 });
    expect(instance().map(([name]) => name)).toEqual(['odd']);
  });

  it('is refused to a user, except with --dry-run', async () => {
    const file = put('rules', ':a:E::a::/bin/a:\n');
    const within = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', '--no-new-privs'];
    expect(await binfmtctl(['import', file, '--dry-run'], { within })).toMatchObject({ status: 0 });
    expect(await binfmtctl(['import', file], { within, env: { HOME: '/nonexistent' } })).toMatchObject({
      status: 3,
    });
    expect(existsSync(join(BINFMT, 'a'))).toBe(false);
  });
});
