/** `binfmtctl systemd-binfmt` beside Debian's systemd-binfmt: random trees of binfmt.d, both in the same small root. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { entryNames } from '../../src/binfmt/entry-file.ts';
import { BINFMT_D } from '../../src/boot/binfmt-d-files.ts';
import { decodeBinfmtD } from '../../src/file-format/binfmt-d.ts';
import { decodeText, encodeText } from '../../src/rule/text.ts';
import { amount } from '../stress.ts';
import { BINFMT, entries, registerForeign, removeAllEntries, temporaryFolder } from './support/machine.ts';

const TREES = amount(10, 30, 'SYSTEMD_TREES');
// A fixed seed, so that results are reproducible; scripts/differential.mjs uses others.
const SEED = Number(process.env['SYSTEMD_SEED'] ?? 1);
const root = join(temporaryFolder(), 'root');
const libraries = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** Directories of the host that the programs need in the root. */
function mounts(): readonly (readonly [from: string, to: string])[] {
  const [systemd = '', shared = ''] = unpackPackages('systemd', 'libsystemd-shared');
  const loaders = ['/lib64', '/lib']
    .filter((path) => existsSync(path))
    .map((path) => [realpathSync(path), path] as const);
  return [
    ...loaders.filter(([, path]) => path === '/lib64'),
    [`/usr/lib/${libraries}`, `/usr/lib/${libraries}`],
    ['/proc', '/proc'],
    ['/dev', '/dev'],
    [dirname(process.execPath), '/node'],
    [resolve('dist'), '/dist'],
    [join(systemd, 'lib/systemd'), '/systemd'],
    [join(shared, 'usr/lib', libraries, 'systemd'), '/shared'],
  ];
}

beforeAll(() => {
  for (const folder of ['bin', 'tmp', 'usr/lib', ...mounts().map(([, to]) => to.slice(1))])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('usr/lib', join(root, 'lib'));
  writeFileSync(join(root, 'bin/good'), 'no format takes it');
  chmodSync(join(root, 'bin/good'), 0o755);
});

afterEach(() => {
  removeAllEntries();
  for (const folder of BINFMT_D) rmSync(join(root, folder), { recursive: true, force: true });
});

interface Ran {
  readonly status: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** Runs a program in the root, in a new mount namespace. */
function inRoot(...words: readonly string[]): Ran {
  const binds = mounts().map(([from, to]) => `mount --rbind ${from} ${root}${to}`);
  const script = `${binds.join(' && ')} && exec chroot ${root} "$@"`;
  const { status, stderr, stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...words], {
    encoding: 'latin1',
    env: { LD_LIBRARY_PATH: '/shared', SYSTEMD_LOG_TARGET: 'console', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  return { status, stderr, stdout };
}

const theirs = (...words: readonly string[]): Ran => inRoot('/systemd/systemd-binfmt', ...words);
const ours = (...words: readonly string[]): Ran =>
  inRoot('/node/node', '/dist/cli.cjs', 'systemd-binfmt', ...words);

type Kind = 'file' | 'empty' | 'mask' | 'dangling' | 'folder';

interface Tree {
  readonly files: readonly {
    readonly folder: string;
    readonly name: string;
    readonly kind: Kind;
    readonly text: string;
  }[];
  readonly words: readonly string[];
}

function plant({ files }: Tree): void {
  for (const { folder, name, kind, text } of files) {
    const path = join(root, folder, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    if (kind === 'folder') mkdirSync(path);
    else if (kind === 'mask') symlinkSync('/dev/null', path);
    else if (kind === 'dangling') symlinkSync('/nowhere', path);
    else writeFileSync(path, kind === 'empty' ? '' : encodeText(text));
  }
}

/** Whether a warning reports that the rule is skipped because others can change its interpreter. */
const isLeftOut = (warning: string, entry: string): boolean =>
  decodeText(Buffer.from(warning, 'latin1')).includes(`: cannot register ${entry.split('\n')[0]} with flag`);

/** Entries in the kernel's order, newest first. */
const inOrder = (): readonly string[] => {
  const all = entries();
  return entryNames(BINFMT).map((name) => `${name}\n${all[name]}`);
};

describe('systemd-binfmt', () => {
  it(`behaves like Debian's with ${TREES} random trees`, () => {
    const seen = { failed: 0, registered: 0, exceptions: 0 };
    fc.assert(
      fc.property(trees, (tree) => {
        plant(tree);
        try {
          const [theirRun, theirEntries] = [theirs(...tree.words), inOrder()];
          removeAllEntries();
          const { status, stderr } = ours(...tree.words);
          const warned = linesOf(stderr).filter((line) => line.startsWith('warning: '));
          const ourRun = { status, stderr: stderr.replace(/^warning: .*\n/gm, '') };
          const ourEntries = inOrder();
          seen.failed += theirRun.status === 0 ? 0 : 1;
          seen.registered += theirEntries.length;
          const untried = untriedByUs(theirRun.stderr, ourRun.stderr, tree);
          const said = linesOf(theirRun.stderr).filter((each) => !untried.includes(each));
          expect(linesOf(ourRun.stderr)).toEqual(said);
          expect(ourRun.status).toBe(said.length === 0 ? 0 : 1);
          expect(theirRun.status).toBe(said.length + untried.length === 0 ? 0 : 1);
          const kept = keptByUs(theirEntries, ourEntries, theirRun.stderr);
          seen.exceptions += kept.length + untried.length;
          const isCommon = (entry: string) => !warned.some((line) => isLeftOut(line, entry));
          const shared = ourEntries.filter((entry) => !kept.includes(entry));
          expect(shared.filter(isCommon)).toEqual(theirEntries.filter(isCommon));
          const before = inodes();
          expect(ours(...tree.words).status).toBe(ourRun.status);
          expect(inodes()).toEqual(before);
        } finally {
          removeAllEntries();
          for (const folder of BINFMT_D) rmSync(join(root, folder), { recursive: true, force: true });
        }
      }),
      { numRuns: TREES, seed: SEED },
    );
    if (TREES >= 30) {
      expect(seen.failed).toBeGreaterThan(TREES / 10);
      expect(seen.registered).toBeGreaterThan(TREES / 5);
    }
    console.log(
      `systemd-binfmt: ${TREES} trees, ${seen.failed} with errors, ${seen.registered} entries, ${seen.exceptions} exceptions`,
    );
  });

  it('keeps entries of other programs without --flush', () => {
    plant({
      files: [{ folder: BINFMT_D[0] ?? '', name: 'a.conf', kind: 'file', text: ':a:E::a::/bin/good:\n' }],
      words: [],
    });
    registerForeign(':foreign:E::foreign::/bin/true:');
    expect(ours()).toEqual({ status: 0, stderr: '', stdout: '' });
    expect(Object.keys(entries()).sort()).toEqual(['a', 'foreign']);
    expect(ours('--flush').status).toBe(0);
    expect(Object.keys(entries())).toEqual(['a']);
    registerForeign(':foreign:E::foreign::/bin/true:');
    expect(ours('--unregister').status).toBe(0);
    expect(Object.keys(entries())).toEqual(['foreign']);
  });

  it('keeps an entry whose new rule the kernel refuses', () => {
    const folder = BINFMT_D[0] ?? '';
    plant({ files: [{ folder, name: 'a.conf', kind: 'file', text: ':a:E::a::/bin/good:F\n' }], words: [] });
    expect(ours().status).toBe(0);
    const before = entries();
    plant({ files: [{ folder, name: 'a.conf', kind: 'file', text: ':a:E::b::/bin/none:F\n' }], words: [] });
    expect(ours()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(":1: Failed to add binary format 'a': No such file or directory"),
    });
    expect(entries()).toEqual(before);
    plant({ files: [{ folder, name: 'a.conf', kind: 'file', text: ':a:E::b::/bin/good:F\n' }], words: [] });
    expect(ours().status).toBe(0);
    expect(entries()['a']).toContain('extension .b');
    expect(Object.keys(entries())).toEqual(['a']);
  });

  it('reports invalid files without blocking, and continues', () => {
    const [folder = ''] = BINFMT_D;
    plant({ files: [{ folder, name: 'z.conf', kind: 'file', text: ':z:E::z::/bin/good:\n' }], words: [] });
    execFileSync('mkfifo', [join(root, folder, 'pipe.conf')]);
    execFileSync('truncate', ['--size=1G', join(root, folder, 'large.conf')]);
    expect(ours()).toEqual({
      status: 1,
      stderr: ['large.conf: it is larger than 4194304 bytes', 'pipe.conf: it is a pipe']
        .map((what) => [what.split(':')[0], what])
        .map(([name, what]) => `Failed to open file '${folder}/${name}': cannot read ${folder}/${what}\n`)
        .join(''),
      stdout: '',
    });
    expect(Object.keys(entries())).toEqual(['z']);
  });

  it('reads files whose names are not UTF-8', () => {
    const [folder = ''] = BINFMT_D;
    plant({ files: [{ folder, name: 'z.conf', kind: 'file', text: ':z:E::z::/bin/good:\n' }], words: [] });
    const path = Buffer.concat([Buffer.from(join(root, folder)), Buffer.from('/\xff.conf', 'latin1')]);
    writeFileSync(path, ':odd:E::odd::/bin/good:\n');
    expect(ours()).toMatchObject({ status: 0, stderr: '' });
    expect(Object.keys(entries()).toSorted()).toEqual(['odd', 'z']);
  });

  it.each([
    ['native programs', ':n:M::\\x7fELF::/bin/good:'],
    ['scripts', ':n:M::#!::/bin/good:'],
    ['scripts by a mask', ':n:M::#:\\xf0:/bin/good:'],
    ['its own interpreter', ':n:M::no format::/bin/good:'],
  ])('refuses a rule that matches %s', (_, rule) => {
    plant({
      files: [{ folder: BINFMT_D[0] ?? '', name: 'n.conf', kind: 'file', text: `${rule}\n` }],
      words: [],
    });
    expect(ours()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/n\.conf:1: rule n would take over .*refused\n$/),
    });
    expect(entries()).toEqual({});
  });

  it.each([[['--cat-config', 'x.conf']], [['--unregister', '/x']], [['--nonsense']], [['--un=x']]])(
    'refuses the arguments %j like Debian',
    (words) => {
      const [ourRun, theirRun] = [ours(...words), theirs(...words)];
      expect(ourRun.status).toBe(theirRun.status);
      const alike = (text: string): string =>
        text.replace('/systemd/', '').replace('--cat-config/--tldr', '--cat-config').replace(/\.\n$/, '\n');
      expect(alike(ourRun.stderr)).toBe(alike(theirRun.stderr));
    },
  );

  it('shows the configuration like Debian, also without comments', () => {
    const folder = BINFMT_D[0] ?? '';
    const text = '# a comment\n\n:a:E::a::/bin/good:\n';
    plant({
      files: ['a', 'b'].map((name) => ({ folder, name: `${name}.conf`, kind: 'file' as const, text })),
      words: [],
    });
    expect(ours('--cat-config')).toEqual(theirs('--cat-config'));
    expect(ours('--tldr').stdout).toBe(
      `# ${folder}/a.conf\n:a:E::a::/bin/good:\n\n# ${folder}/b.conf\n:a:E::a::/bin/good:\n`,
    );
  });

  it('does nothing if binfmt_misc is not mounted', () => {
    const run = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', `umount ${BINFMT} && exec ${process.execPath} dist/cli.cjs systemd-binfmt`],
      { encoding: 'utf8' },
    );
    expect(run).toMatchObject({ status: 0, stderr: '', stdout: '' });
  });
});

const linesOf = (text: string): readonly string[] => text.split('\n').filter((each) => each !== '');

/** A difference in what is said: a rule that a later one of the same name replaces is not tried, and so not complained of. */
function untriedByUs(theirText: string, ourText: string, { files }: Tree): readonly string[] {
  const said = linesOf(ourText);
  const rules = files.flatMap(({ text }) => decodeBinfmtD(encodeText(text)).rules.map(({ name }) => name));
  return linesOf(theirText).filter((each) => {
    const name = /Failed to add binary format '(.*)': No such file/.exec(each)?.[1] ?? '';
    const own = Buffer.from(name, 'latin1').toString('utf8');
    return !said.includes(each) && rules.filter((rule) => rule === own).length > 1;
  });
}

/** The difference in what is registered: an entry whose later rule of the same name fails stays, where Debian's deletes it first. */
function keptByUs(
  theirEntries: readonly string[],
  ourEntries: readonly string[],
  complaints: string,
): readonly string[] {
  return ourEntries.filter((entry) => {
    const [name = ''] = entry.split('\n');
    const isMissing = !theirEntries.some((each) => each.startsWith(`${name}\n`));
    return (
      isMissing &&
      complaints.includes(`Failed to add binary format '${Buffer.from(name, 'utf8').toString('latin1')}'`)
    );
  });
}

const inodes = (): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.keys(entries()).map((name) => [name, statSync(Buffer.from(`${BINFMT}/${name}`)).ino]),
  );

/** Seven fields of a rule that the kernel takes, and what may stand in the place of one. From byte 2 on a rule could
 * take scripts, which we refuse: there is no such offset. */
const good = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd e', 'é'),
  type: fc.constant('M'),
  offset: fc.constantFrom('', '0', '+0'),
  magic: fc.constantFrom('AB', '\\x41B', 'zz', 'A\\x00'),
  mask: fc.constantFrom('', '', '\\xff\\xff', '\\xff\\xf0'),
  interpreter: fc.constantFrom('/bin/good', '/bin/good', '/bin/none', 'relative'),
  flags: fc.constantFrom('', '', 'P', 'OC', 'CP'),
});
const bad = fc.constantFrom<Readonly<Record<string, string>>>(
  ...[
    ...['', '.', 'x/y', 'register', 'n'.repeat(256)].map((name) => ({ name })),
    ...['E', 'X', ''].map((type) => ({ type })),
    ...['300', '-1', '0x1'].map((offset) => ({ offset })),
    ...['', 'ABC', '\\xzz'].map((magic) => ({ magic })),
    ...['\\xff', 'abc'].map((mask) => ({ mask })),
    { interpreter: '' },
    ...['X', 'F', 'PF', 'P:'].map((flags) => ({ flags })),
    { interpreter: '/bin/none', flags: 'F' },
  ],
);
const rule = fc
  .tuple(fc.constantFrom(':', ':', ':', '|', 'e'), good, fc.option(bad, { freq: 1 }))
  .map(
    ([delimiter, fields, wrong]) => `${delimiter}${Object.values({ ...fields, ...wrong }).join(delimiter)}`,
  );
const line = fc.oneof(
  { weight: 6, arbitrary: rule },
  fc.constantFrom('# comment', '; comment', '', '   ', 'short', ':a', '\t:a:E::t::/bin/good: \t', '::::'),
);
const text = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n', '\r', '\0', '\n\r', '\n\n', '')), {
    minLength: 1,
    maxLength: 5,
    size: 'max',
  })
  .map((lines) => lines.flat().join(''));

const trees: fc.Arbitrary<Tree> = fc.record({
  files: fc.array(
    fc.record({
      folder: fc.constantFrom(...BINFMT_D),
      name: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom('a.conf', 'b.conf', 'B.conf', 'é.conf') },
        fc.constantFrom('.h.conf', 'd.txt', 'e.conf~'),
      ),
      kind: fc.oneof(
        { weight: 8, arbitrary: fc.constant<Kind>('file') },
        fc.constantFrom<Kind>('empty', 'mask', 'dangling', 'folder'),
      ),
      text,
    }),
    { minLength: 1, maxLength: 6, size: 'max' },
  ),
  words: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.array(fc.constantFrom('a.conf', './b.conf', '/etc/binfmt.d/b.conf', 'none.conf', '/none'), {
      minLength: 1,
      maxLength: 2,
    }),
  ),
});
