import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPlaces, type MountPlaces } from '../../src/enter/mounts/places.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();

/** A root with these directories and files; `links` are created last. */
function rootWith({
  folders = ['proc', 'sys', 'dev', 'run', 'tmp', 'etc'],
  files = ['etc/resolv.conf', 'etc/hosts'],
  links = {},
}: {
  readonly folders?: readonly string[];
  readonly files?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
} = {}): string {
  const root = mkdtempSync(join(realpathSync(folder()), 'root-'));
  for (const each of folders) mkdirSync(join(root, each), { recursive: true });
  for (const each of files) writeFileSync(join(root, each), '');
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  return root;
}

interface PlacesOptions {
  readonly binds?: readonly string[];
  readonly ephemeral?: boolean;
  readonly noNetwork?: boolean;
}

/** Without the resolver's files, unless the network is requested. */
function places(
  root: string,
  { binds = [], ephemeral = false, noNetwork = true }: PlacesOptions = {},
): MountPlaces & { readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const report = (progress: { readonly kind: string; readonly text?: string }): void => {
    warnings.push(progress.text ?? '');
  };
  return { ...findPlaces(root, { binds, ephemeral, noNetwork, isImage: false }, { report }), warnings };
}
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('the mount points of a root', () => {
  it('are the existing directories', () => {
    const found = places(rootWith());
    expect(found.places).toEqual({ proc: 'proc', sys: 'sys', dev: 'dev', run: 'run', tmp: 'tmp' });
    expect(found.warnings).toEqual([]);
  });

  it('are resolved within the root', () => {
    const root = rootWith({
      folders: ['var/run', 'dev'],
      files: [],
      links: { run: '/var/run', tmp: '../../var' },
    });
    expect(places(root).places).toMatchObject({ run: 'var/run', tmp: 'var' });
  });

  it('are skipped with a warning if they are missing, not directories, or the root itself', () => {
    const root = rootWith({
      folders: ['dev', 'etc'],
      files: ['sys'],
      links: { run: '/', tmp: '../..', proc: 'no' },
    });
    const found = places(root);
    expect(found.places).toEqual({ dev: 'dev' });
    expect(found.warnings).toEqual([`not mounted: /proc, /sys, /run, /tmp; ${root} has a file in its place`]);
  });

  it('are created by the command in the warning, also in place of links', () => {
    const root = rootWith({ folders: ['dev', 'etc', 'tmp'], files: [], links: { proc: '/proc', run: 'no' } });
    const [warning = ''] = places(root).warnings;
    expect(places(root).warnings).toHaveLength(1);
    expect(warning).not.toContain('--ephemeral');
    expect(warning.split(root)).toHaveLength(2);
    execFileSync('sh', ['-c', /`(.*)`/.exec(warning)?.[1] ?? 'false']);
    const found = places(root);
    expect(Object.keys(found.places)).toEqual(['proc', 'sys', 'dev', 'run', 'tmp']);
    expect(found.warnings).toEqual([]);
  });

  it('are created in an ephemeral root', () => {
    const found = places(rootWith({ folders: ['dev'], files: [] }), { ephemeral: true });
    expect(found.places).toEqual({ proc: 'proc', sys: 'sys', dev: 'dev', run: 'run', tmp: 'tmp' });
    expect(found.madeFirst).toEqual(['proc', 'sys', 'run', 'tmp']);
    expect(found.warnings).toEqual([]);
  });
});

describe('the files for host names', () => {
  const asked = { noNetwork: false };

  it('are bound from the host, read-only', () => {
    const { binds } = places(rootWith(), asked);
    expect(binds).toContainEqual(
      expect.objectContaining({
        source: realpathSync('/etc/hosts'),
        target: 'etc/hosts',
        readOnly: true,
        directory: false,
      }),
    );
  });

  it('are not bound without a network', () => {
    expect(places(rootWith()).binds).toEqual([]);
  });

  it('follow a link of the root into a tmpfs', () => {
    const links = { 'etc/resolv.conf': '../run/systemd/resolve/stub-resolv.conf' };
    const { binds, made, warnings } = places(rootWith({ files: ['etc/hosts'], links }), asked);
    expect(binds.map(({ target }) => target)).toContain('run/systemd/resolve/stub-resolv.conf');
    expect(made.directories).toContain('run/systemd/resolve');
    expect(made.files).toEqual(['run/systemd/resolve/stub-resolv.conf']);
    expect(warnings).toEqual([]);
  });

  it('are not created in the root: a warning reports missing ones', () => {
    const root = rootWith({ files: [] });
    const { binds, made, warnings } = places(root, asked);
    expect(binds).toEqual([]);
    expect(made.files).toEqual([]);
    expect(warnings).toEqual([
      `host names are not resolved inside; fix: \`(cd ${root}/etc && touch resolv.conf)\``,
    ]);
  });

  it('are created by the command in the warning, which follows no link', () => {
    const root = rootWith({ files: ['etc/hosts'], links: { 'etc/resolv.conf': '/no/such/file' } });
    const [warning = ''] = places(root, asked).warnings;
    execFileSync('sh', ['-c', /`(.*)`/.exec(warning)?.[1] ?? 'false']);
    expect(lstatSync(join(root, 'etc/resolv.conf')).isFile()).toBe(true);
    expect(places(root, asked).warnings).toEqual([]);
  });

  it('are not created behind a directory that is a link', () => {
    const root = rootWith({ folders: ['dev'], files: [], links: { etc: '/nowhere' } });
    expect(places(root, asked).warnings.at(-1)).toBe(
      'host names are not resolved inside: there is no directory /etc',
    );
  });

  it('are created in an ephemeral root', () => {
    const { made } = places(rootWith({ files: [] }), { ...asked, ephemeral: true });
    expect(made.files).toEqual(['etc/resolv.conf', 'etc/hosts']);
    expect(made.directories).toContain('etc');
  });

  it.each([
    ['out of the root', '../../../../../../etc/passwd', 'etc/passwd'],
    ['to a path of the host', '/etc/passwd', 'etc/passwd'],
  ])('stay below a root whose links point %s', (_, target, place) => {
    const root = rootWith({ files: ['etc/hosts'], links: { 'etc/resolv.conf': target } });
    const { binds, made } = places(root, { ...asked, ephemeral: true });
    expect(binds.map((each) => each.target)).toContain(place);
    expect(made.files).toEqual([place]);
  });

  it('are skipped behind a loop of links or a missing directory', () => {
    for (const target of ['resolv.conf', 'missing/../x']) {
      const root = rootWith({ files: ['etc/hosts'], links: { 'etc/resolv.conf': target } });
      const { binds, warnings } = places(root, { ...asked, ephemeral: true });
      expect(binds.map((each) => each.target)).toEqual(['etc/hosts']);
      expect(warnings).toHaveLength(1);
    }
  });

  it.each(['/dev/watchdog', '/dev/shm/x', '/proc/self/fd/7', '/sys/x'])(
    "are never created among the host's devices and settings: %s",
    (target) => {
      const root = rootWith({ files: ['etc/hosts'], links: { 'etc/resolv.conf': target } });
      const { made, warnings } = places(root, { ...asked, ephemeral: true });
      expect(made.files).toEqual([]);
      expect(made.directories).toEqual(['run/lock']);
      expect(warnings).toHaveLength(1);
    },
  );
});

describe('a bind mount', () => {
  it('has a source on the host, and a target inside', () => {
    const source = rootWith({ folders: ['real'], files: [], links: { link: 'real' } });
    const { binds, made } = places(rootWith({ folders: ['run', 'tmp', 'srv'], files: ['srv/file'] }), {
      binds: [`${source}/link:/srv:ro`, `${source}/real:/tmp/a/b`],
    });
    expect(binds).toMatchObject([
      { source: join(source, 'real'), target: 'srv', readOnly: true, directory: true },
      { source: join(source, 'real'), target: 'tmp/a/b', readOnly: false, directory: true },
    ]);
    expect(made).toEqual({ directories: ['run/lock', 'tmp/a/b'], files: [] });
  });

  it('uses the path of the source without a target', () => {
    const source = rootWith({ folders: [], files: ['f'] });
    const root = rootWith({ folders: ['tmp'], files: [] });
    for (const bind of [`${source}/f`, `${source}/f:ro`])
      expect(places(root, { binds: [bind], ephemeral: true }).binds).toMatchObject([
        { target: `${source}/f`.slice(1), readOnly: bind.endsWith(':ro') },
      ]);
  });

  it('ignores files of the root below /run and /tmp, which a tmpfs hides', () => {
    const source = rootWith({ folders: [], files: ['f'] });
    const root = rootWith({ folders: ['run', 'tmp/f'], files: [] });
    const { binds, made } = places(root, { binds: [`${source}/f:/tmp/f`] });
    expect(binds).toMatchObject([{ target: 'tmp/f', directory: false }]);
    expect(made).toEqual({ directories: ['run/lock', 'tmp'], files: ['tmp/f'] });
  });

  it('may be created at the top of an ephemeral root', () => {
    const source = rootWith({ folders: [], files: ['f'] });
    const { made } = places(rootWith(), { binds: [`${source}/f:/file`], ephemeral: true });
    expect(made).toEqual({ directories: ['run/lock', '.'], files: ['file'] });
  });

  it.each(['', ':', ':/a', '/:a', '/:a:ro', '/:/a:rw', '/:/a:/b', '/::ro'])('is refused as %j', (bind) => {
    expect(() => places(rootWith(), { binds: [bind] })).toThrow(
      refusal('USAGE', /^invalid value for --bind: .* \(expected SRC\[:DST\]\[:ro\]\)$/),
    );
  });

  it('is refused if its target is missing', () => {
    expect(() => places(rootWith(), { binds: ['/no/such/file:/tmp/x'] })).toThrow(
      refusal('FILE_FAILED', /bind \/no\/such\/file: no such file/),
    );
  });

  it.each(['/srv/missing', '/', '/etc/../..', '/circle'])(
    'is refused on %s, which cannot be mounted on',
    (target) => {
      const root = rootWith({ links: { circle: 'circle' } });
      expect(() => places(root, { binds: [`/:${target}`] })).toThrow(
        refusal('BAD_ROOT', /^cannot bind on .*: not found in /),
      );
    },
  );

  it('is refused on another kind of file', () => {
    const root = rootWith();
    const bind = (text: string) => () => places(root, { binds: [text] });
    expect(bind('/:/etc/hosts')).toThrow(refusal('BAD_ROOT', /only one of them is a directory$/));
    expect(bind('/dev/null:/etc')).toThrow(refusal('BAD_ROOT', /only one of them is a directory$/));
  });
});
