import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AS_USER, binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import { BINFMT, emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
const install = (...more: readonly string[]): readonly string[] => [
  ...['install', 'riscv64', '--source', `dir:${emulators}`],
  ...more,
];
let before: ReturnType<typeof snapshot>;

beforeAll(async () => {
  await documentOf(['install', 'arm64', '--source', `dir:${emulators}`, '--store', store]);
  before = snapshot(store);
});
afterAll(removeAllEntries);

describe('root without /sbin and /usr/sbin in PATH', () => {
  it('installs, mounts and proves as usual', async () => {
    const circumstances = { env: { PATH: '/usr/local/bin:/usr/bin:/bin' } };
    await documentOf(install('--store', store), circumstances);
    await documentOf(['uninstall', 'riscv64', '--purge', '--store', store], circumstances);
    expect(snapshot(store)).toEqual(before);
  });
});

describe('an unprivileged user', () => {
  const circumstances = { within: AS_USER, env: { HOME: '/none' } };

  beforeAll(() => {
    mkdirSync(at('user'));
    chmodSync(at('user'), 0o777);
  });
  afterEach(() => expect(snapshot(store)).toEqual(before));

  it('cannot install, and learns so before anything is fetched', async () => {
    const expected = {
      status: 3,
      code: 'NO_PRIVILEGE',
      message: /permission denied/,
      hint: /as root/,
    } as const;
    await expectRefusal(install('--store', at('user/store')), expected, circumstances);
    expect(snapshot(at('user')).files).toEqual({});
  });

  it("cannot use root's store", () =>
    expectRefusal(
      install('--store', store),
      { status: 3, code: 'NO_PRIVILEGE', message: /permission denied/, hint: /root/ },
      circumstances,
    ));

  it('cannot uninstall', () =>
    expectRefusal(
      ['uninstall', 'qemu-aarch64', '--store', at('user/store')],
      { status: 3, code: 'NO_PRIVILEGE', message: /permission denied/, hint: /root/ },
      circumstances,
    ));

  it('can run status and verify', async () => {
    const [status, verify] = await Promise.all([
      documentOf(['status', '--store', store], circumstances),
      documentOf(['verify', '--store', at('user/other')], circumstances),
    ]);
    expect(status).toMatchObject({ instance: { writable: false }, entries: [{ ours: true }] });
    expect(verify).toMatchObject({ holds: true, proofs: [{ arch: 'aarch64', host: { holds: true } }] });
  });

  it('can run install --dry-run', () =>
    documentOf(install('--dry-run', '--store', at('user/store')), circumstances));
});

describe('a machine without a usable binfmt_misc', () => {
  const UNMOUNT = `umount ${BINFMT}`;
  /** In a container, only the host can mount it. */
  const MOUNT_IT = /mount -t binfmt_misc|run binfmtctl on the host/;

  it.each([[['status']], [['uninstall', '--all']]])('is reported by %j', (words) =>
    expectRefusal(
      [...words, '--store', store],
      { status: 3, code: 'NO_BINFMT_MISC', message: /it is not mounted/, hint: MOUNT_IT },
      { within: inShell(UNMOUNT) },
    ),
  );

  it('does not keep verify from running its probes', async () => {
    const circumstances = { within: inShell(UNMOUNT) };
    const all = await documentOf(['verify', '--store', store], circumstances);
    const expected = { arch: 'aarch64', entry: null, host: { holds: true }, verdict: { outcome: 'works' } };
    expect(all).toMatchObject({ instance: { mounted: false }, proofs: [expected] });
    expect((await binfmtctl(['verify', 'arm64', '--store', store], circumstances)).stdout).toContain(
      `binfmt_misc is not mounted at ${BINFMT}`,
    );
  });

  it('is reported to a user who cannot mount it', () =>
    expectRefusal(
      install('--store', at('user/store')),
      { status: 3, code: 'NO_BINFMT_MISC', message: /it is not mounted/, hint: MOUNT_IT },
      { within: [...inShell(UNMOUNT), ...AS_USER] },
    ));

  it('is mounted by install as root, with its entries', async () => {
    const words = ['install', 'arm64', '--store', store];
    expect(await documentOf(words, { within: inShell(UNMOUNT) })).toMatchObject({ unchanged: ['aarch64'] });
  });

  it.each([[install()], [['uninstall', 'arm64']]])('is reported as read-only by %j', async (words) => {
    await expectRefusal(
      [...words, '--store', store],
      { status: 3, code: 'READ_ONLY', message: /read-only/, hint: /remount,rw/ },
      { within: inShell(`mount -o remount,bind,ro ${BINFMT}`) },
    );
    expect(snapshot(store)).toEqual(before);
  });

  it('lets status and verify work if it is read-only', async () => {
    const circumstances = { within: inShell(`mount -o remount,bind,ro ${BINFMT}`) };
    const status = await documentOf(['status', '--store', store], circumstances);
    expect(status).toMatchObject({ instance: { readOnly: true, writable: false } });
    expect(await documentOf(['verify', '--store', store], circumstances)).toMatchObject({ holds: true });
  });

  it.each(['/none', '/etc', '/etc/passwd'])('includes %s, which install does not mount over', (directory) =>
    expectRefusal(install('--binfmt-dir', directory, '--store', store), {
      status: 3,
      code: 'NO_BINFMT_MISC',
      message: new RegExp(`no binfmt_misc at ${directory}`),
      hint: /check --binfmt-dir/,
    }),
  );

  describe('because it is disabled', () => {
    beforeAll(() => writeFileSync(join(BINFMT, 'status'), '0'));
    afterAll(() => writeFileSync(join(BINFMT, 'status'), '1'));

    it('refuses to install, and stays disabled', async () => {
      await expectRefusal(install('--store', store), {
        status: 3,
        code: 'BINFMT_MISC_DISABLED',
        message: /is disabled: no entry takes effect/,
        hint: /echo 1 > .*\/status/,
      });
      expect(snapshot(store)).toEqual(before);
      expect(readFileSync(join(BINFMT, 'status'), 'utf8')).toBe('disabled\n');
    });

    it('is reported by status, and fails verify', async () => {
      const { status, stdout } = await binfmtctl(['status', '--store', store]);
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: expect.stringContaining('binfmt_misc is mounted but disabled'),
      });
      const verify = await binfmtctl(['verify', '--store', store]);
      expect(verify.status).toBe(1);
      expect(verify.stdout).toMatch(
        /^✖ arm64 .* on the host: binfmt_misc is disabled: no entry takes effect$/m,
      );
    });
  });
});
