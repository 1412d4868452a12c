import { describe, expect, it } from 'vitest';
import { checkEntry, linkTarget } from '../../../src/archive/tar-entry.ts';
import { choosePackages, packageNames } from '../../../src/sources/apt/packages.ts';
import type { PackageStanza } from '../../../src/sources/apt/texts.ts';
import { parseSource } from '../../../src/sources/index.ts';
import { QEMU } from '../../integration/fixtures/profile.ts';

describe('parseSource', () => {
  it.each([
    ['apt', 'apt', ''],
    ['apt:bookworm', 'apt', 'bookworm'],
    ['path:/a/b:c', 'path', '/a/b:c'],
    ['dir:./x', 'dir', './x'],
    ['bundle:x', 'bundle', 'x'],
    ['./emulators.tar', 'bundle', './emulators.tar'],
    ['path:/x.tar', 'path', '/x.tar'],
    ['oci', 'oci', ''],
    ['oci:tonistiigi/binfmt:latest', 'oci', 'tonistiigi/binfmt:latest'],
  ])('parses %s', (text, kind, value) => {
    expect(parseSource(text)).toEqual({ kind, value });
  });

  it.each([
    '',
    'docker:image',
    'toString',
    '__proto__:x',
    '/usr/bin/qemu',
    'path',
    'dir:',
    'bundle:',
    '.tar',
    'x:y.tar',
    'APT',
  ])('refuses %j and lists the kinds', (text) => {
    const refusal = {
      code: 'BAD_SOURCE',
      hint: expect.stringContaining(
        'path:FILE, dir:DIR, bundle:FILE, apt[:RELEASE], oci[:IMAGE] or url:URL#sha256=HEX',
      ),
    };
    expect(() => parseSource(text)).toThrow(expect.objectContaining(refusal));
  });

  it.each(['path', 'dir', 'bundle'])(
    'refuses a URL as the value of %s, and masks its credentials',
    (kind) => {
      expect(() => parseSource(`${kind}:https://user:hunter2@host/file`)).toThrow(
        expect.objectContaining({
          code: 'BAD_SOURCE',
          message: expect.not.stringContaining('hunter2'),
          hint: expect.stringContaining('url:URL'),
        }),
      );
    },
  );
});

describe('choosePackages', () => {
  const wants = [{ guest: 'arm', profiles: [QEMU] }];
  const stanza = (name: string, ...depends: string[]): PackageStanza => ({
    name,
    version: '1',
    size: 1,
    depends,
  });
  const chosen = (...available: PackageStanza[]) => choosePackages(wants, available).map(({ name }) => name);

  it('only uses packages of Debian and its derivatives', () => {
    expect(packageNames(wants)).toEqual(['qemu-user', 'qemu-user-static']);
  });

  it('prefers the static package of Debian 12 to the dynamic one', () => {
    expect(chosen(stanza('qemu-user', 'libc6', 'libglib2.0-0'), stanza('qemu-user-static'))).toEqual([
      'qemu-user-static',
    ]);
  });

  it("follows Debian 13's alias package to the real one", () => {
    expect(chosen(stanza('qemu-user-static', 'qemu-user', 'qemu-user-binfmt'), stanza('qemu-user'))).toEqual([
      'qemu-user',
    ]);
  });

  it('uses the only package of later releases', () => {
    expect(chosen(stanza('qemu-user'))).toEqual(['qemu-user']);
    expect(chosen(stanza('bash'))).toEqual([]);
  });

  it('uses a dynamic package if there is no other, and each package once', () => {
    const both = [...wants, { guest: 'riscv64', profiles: [QEMU] }];
    expect(choosePackages(both, [stanza('qemu-user', 'libc6')])).toHaveLength(1);
  });
});

describe('entries of a package', () => {
  const header = (more: object) =>
    ({ name: './usr/bin/q', type: 'file', size: 1, ...more }) as Parameters<typeof checkEntry>[0];

  it.each([
    ['./usr/bin/q', '/usr/bin/q'],
    ['usr/bin//q', '/usr/bin/q'],
    ['./', '/'],
  ])('places %s at %s', (name, path) => {
    expect(checkEntry(header({ name }))).toBe(path);
  });

  it.each(['/etc/passwd', '../x', 'a/../b', 'a\0b'])('refuses the name %j', (name) => {
    expect(() => checkEntry(header({ name }))).toThrow(expect.objectContaining({ code: 'BAD_PACKAGE' }));
  });

  it.each([
    ['../lib/q', '/usr/lib/q'],
    ['../../usr/lib/q', '/usr/lib/q'],
    ['/opt/q', '/opt/q'],
    ['q2', '/usr/bin/q2'],
  ])('follows a link to %s within the package', (linkname, path) => {
    expect(linkTarget(header({ type: 'symlink', linkname }), '/usr/bin/q')).toBe(path);
  });

  it.each(['../../../etc/shadow', '/../x', ''])('refuses a link to %j', (linkname) => {
    expect(() => linkTarget(header({ type: 'symlink', linkname }), '/usr/bin/q')).toThrow(
      expect.objectContaining({ code: 'BAD_PACKAGE' }),
    );
  });
});
