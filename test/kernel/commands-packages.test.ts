import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { InstallResult } from '../../src/install/install.ts';
import { deb, tar } from '../integration/fixtures/deb.ts';
import { newContent } from '../integration/fixtures/image.ts';
import { buildProgram, code, FOREIGN } from '../integration/fixtures/programs.ts';
import { startRegistry } from '../integration/fixtures/registry.ts';
import { binfmtctl, type Circumstances, documentOf, expectRefusal, inShell } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const PACKAGE = 'qemu-user-static';
const PROGRAM = './usr/bin/qemu-riscv64-static';

afterEach(removeAllEntries);

/** An environment in which apt has a single source: a local archive with one package. */
function archiveOf(name: string, bytes: Uint8Array, promised: Uint8Array = bytes): Circumstances {
  const archive = join(folder, name);
  mkdirSync(join(archive, 'store'), { recursive: true });
  writeFileSync(join(archive, 'it.deb'), bytes);
  const index = [
    `Package: ${PACKAGE}`,
    'Version: 1.0',
    'Architecture: all',
    'Filename: ./it.deb',
    `Size: ${promised.length}`,
    `SHA256: ${createHash('sha256').update(promised).digest('hex')}`,
    'Description: test',
  ];
  writeFileSync(join(archive, 'Packages'), `${index.join('\n')}\n\n`);
  writeFileSync(join(archive, 'sources.list'), `deb [trusted=yes] file:${archive} ./\n`);
  const settings = [`Dir::Etc::SourceList "${archive}/sources.list";`, 'Dir::Etc::SourceParts "/dev/null";'];
  writeFileSync(join(archive, 'apt.conf'), `${settings.join('\n')}\n`);
  return { env: { APT_CONFIG: join(archive, 'apt.conf') } };
}

const packed = async (...files: Parameters<typeof tar>[0]): Promise<Buffer> =>
  deb(await tar(files), { name: PACKAGE });

const storeOf = (name: string): string => join(folder, name, 'store');

async function refuses(
  name: string,
  circumstances: Circumstances,
  [code, message, hint]: readonly [string, RegExp, RegExp],
  source = 'apt',
): Promise<void> {
  const words = ['install', 'riscv64', '--source', source, '--store', storeOf(name)];
  await expectRefusal(words, { status: code === 'NO_TOOL' ? 3 : 1, code, message, hint }, circumstances);
  expect(snapshot(storeOf(name))).toEqual({ entries: {}, files: {} });
}

describe.concurrent('a package from apt that cannot be used', () => {
  const emulator = readFileSync(join(emulatorFolder(), 'qemu-riscv64-static'));
  const good = packed({ name: PROGRAM, bytes: emulator });

  it('does not match the index', async () => {
    const other = Buffer.from(await good).fill(0, 5000, 6000);
    const circumstances = archiveOf('swapped', other, await good);
    await refuses('swapped', circumstances, ['SOURCE_FAILED', /cannot download .*[Hh]ash/, /--source/]);
  });

  it('is truncated', async () => {
    const circumstances = archiveOf('cut', (await good).subarray(0, 100_000));
    await refuses('cut', circumstances, ['BAD_PACKAGE', /is corrupt or truncated/, /do not trust/]);
  });

  it('is not a package', () =>
    refuses('nonsense', archiveOf('nonsense', Buffer.from('nonsense')), [
      'BAD_PACKAGE',
      /is not a Debian package/,
      /do not trust/,
    ]));

  it('contains a path that leads out of it', async () => {
    const circumstances = archiveOf('climbs', await packed({ name: './usr/../../../etc/x', bytes: 'x' }));
    await refuses('climbs', circumstances, ['BAD_PACKAGE', /\.\./, /do not trust/]);
  });

  it('has a device in place of the emulator', async () => {
    const device = { name: PROGRAM, type: 'character-device' as const, devmajor: 1, devminor: 3 };
    const circumstances = archiveOf('device', await packed(device));
    await refuses('device', circumstances, ['BAD_PACKAGE', /qemu-riscv64-static/, /do not trust/]);
  });

  it('has an emulator for another host', async () => {
    const program = buildProgram(code.print('qemu-riscv64 version 7.2.0\n'), { identity: FOREIGN });
    const circumstances = archiveOf('foreign', await packed({ name: PROGRAM, bytes: program }));
    await refuses('foreign', circumstances, [
      'EMULATOR_UNFIT',
      /this machine does not run/,
      /built for this machine/,
    ]);
  });

  it('has no emulator for the architecture', async () => {
    const circumstances = archiveOf('without', await packed({ name: './usr/share/doc/x', bytes: 'x' }));
    await refuses('without', circumstances, ['EMULATOR_NOT_FOUND', /for riscv64/, /--source/]);
  });

  it('is from an unknown release', async () => {
    const circumstances = archiveOf('release', await good);
    await refuses('release', circumstances, ['SOURCE_FAILED', /none-such/, /none-such/], 'apt:none-such');
  });

  it('cannot be fetched without apt', async () => {
    const within = inShell('mount --bind /dev/null "$(command -v apt-get)"');
    const circumstances = { ...archiveOf('no-apt', await good), within };
    await refuses('no-apt', circumstances, ['NO_TOOL', /apt-get not found/, /dir:DIR/]);
  });
});

describe('a package from apt', () => {
  it('is fetched and verified, and leaves only the emulator', async () => {
    const emulator = readFileSync(join(emulatorFolder(), 'qemu-riscv64-static'));
    const circumstances = archiveOf('good', await packed({ name: PROGRAM, bytes: emulator }));
    const sha256 = createHash('sha256').update(emulator).digest('hex');
    const words = ['--store', storeOf('good')];
    expect(await documentOf(['install', 'riscv64', ...words], circumstances)).toMatchObject({
      proofs: [{ host: { holds: true }, chroot: { holds: true }, emulator: { sha256 } }],
    });
    expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
    expect((await binfmtctl(['uninstall', '--all', '--purge', ...words])).status).toBe(0);
    expect(snapshot(storeOf('good'))).toEqual({ entries: {}, files: {} });
  });
});

describe('without --source', () => {
  const emulator = readFileSync(join(emulatorFolder(), 'qemu-riscv64-static'));
  const good = packed({ name: PROGRAM, bytes: emulator });
  const PINNED =
    'GET /v2/tonistiigi/binfmt/manifests/sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0';

  /** An empty mirror of docker.io. */
  async function withMirror(
    use: (asked: () => readonly string[], env: object) => Promise<void>,
  ): Promise<void> {
    const mirror = await startRegistry(newContent());
    try {
      const asked = () => mirror.requests.map(({ line }) => line);
      await use(asked, { BINFMTCTL_REGISTRY_MIRRORS: `docker.io=${mirror.host}` });
    } finally {
      await mirror.close();
    }
  }

  it('the default image is used if apt is missing; the error names both if neither works', () =>
    withMirror(async (asked, more) => {
      const { env } = archiveOf('fallback', await good);
      const within = inShell('mount --bind /dev/null "$(command -v apt-get)"');
      const words = ['install', 'riscv64', '--store', storeOf('fallback')];
      const message = /^apt-get not found; .*tonistiigi/;
      const refusal = { status: 3, code: 'NO_TOOL', message, hint: /dir:DIR/ } as const;
      await expectRefusal(words, refusal, { env: { ...env, ...more }, within });
      expect(asked()).toContain(PINNED);
      expect(snapshot(storeOf('fallback'))).toEqual({ entries: {}, files: {} });
    }));

  it('the default image is used for emulators that apt lacks, but not for the rest of --all', () =>
    withMirror(async (asked, more) => {
      const { env } = archiveOf('rest', await good);
      const circumstances = { env: { ...env, ...more } };
      const words = ['--store', storeOf('rest')];
      const all = await documentOf<InstallResult>(['install', '--all', ...words], circumstances);
      expect(all.proofs.map(({ arch }) => arch)).toEqual(['riscv64']);
      expect(asked()).toEqual([]);
      const refusal = { status: 1, code: 'SOURCE_FAILED', message: /tonistiigi/, hint: /./ } as const;
      await expectRefusal(['install', 'riscv64', 's390x', ...words], refusal, circumstances);
      expect(asked()).toContain(PINNED);
    }));
});
