import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDockerRegistry } from '../../scripts/docker-registry.mjs';
import {
  addImage,
  addIndex,
  type Descriptor,
  ELSEWHERE,
  newContent,
  writeLayout,
} from '../integration/fixtures/image.ts';
import { type Registry, startRegistry } from '../integration/fixtures/registry.ts';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
/** Without credentials. */
const env = { HOME: at('home'), DOCKER_CONFIG: '', XDG_CONFIG_HOME: '', XDG_RUNTIME_DIR: '' };
const content = newContent();
const tags: Record<string, Descriptor> = {};
let registry: Registry;
const emulator = (arch: string, name: string) => ({
  name,
  bytes: readFileSync(join(emulators, `qemu-${arch}-static`)),
});

beforeAll(async () => {
  const binfmt = await addImage(content, [{ entries: [emulator('aarch64', 'usr/bin/qemu-aarch64')] }]);
  const multiarch = await addImage(content, [{ entries: [emulator('arm', 'usr/bin/qemu-arm-static')] }]);
  const qus = await addImage(content, [
    { entries: [emulator('s390x', 'qus/bin/qemu-s390x-static')], packing: 'zstd' },
  ]);
  const other = addIndex(content, [await addImage(content, [{ entries: [] }], { platform: ELSEWHERE })]);
  const bad = await addImage(content, [{ entries: [{ name: '../../etc/passwd', bytes: 'x' }] }]);
  await writeLayout(at('layout'), content, [binfmt]);
  Object.assign(tags, { binfmt, multiarch, qus, other, bad, latest: binfmt, moving: binfmt });
  registry = await startRegistry(content, { tags });
});
afterEach(() => removeAllEntries());
afterAll(() => registry.close());

const install = (arch: string, image: string) =>
  binfmtctl(['install', arch, '--source', `oci:${image}`, '--store', store], { env });

describe('install --source oci:', () => {
  it.each([
    ['arm64', 'binfmt'],
    ['arm', 'multiarch'],
    ['s390x', 'qus'],
  ])('registers and proves %s from an image laid out as %s', async (arch, tag) => {
    const { status, stdout, stderr } = await install(arch, `${registry.host}/test/image:${tag}`);
    expect({ status, stderr: stderr.includes('hint:') }).toEqual({ status: 0, stderr: false });
    expect(stdout).toContain('registered and verified');
  });

  it("accepts an OCI layout, and an image by digest from Debian's docker-registry", async () => {
    expect((await install('arm64', at('layout'))).status).toBe(0);
    const debian = await startDockerRegistry(at('registry'));
    try {
      await debian.copy(`oci:${at('layout')}`, 'test/binfmt', '--all');
      const answer = await fetch(`http://${debian.host}/v2/test/binfmt/manifests/latest`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      });
      const digest = answer.headers.get('docker-content-digest');
      expect((await install('arm64', `${debian.host}/test/binfmt@${digest}`)).status).toBe(0);
    } finally {
      await debian.close();
    }
  });

  it('locks the image behind the tag, so that it is used after the tag has moved', async () => {
    const lock = at('own.lock');
    const words = (...more: string[]) => ['install', 'arm64', '--store', at('locked'), ...more];
    const source = `${registry.host}/test/image:moving`;
    await documentOf(words('--source', `oci:${source}`, `--lock=${lock}`), { env });
    const pinned = `${source}@${tags['moving']?.digest}`;
    expect(readFileSync(lock, 'utf8')).toContain(`source: oci:${pinned}\n`);
    await documentOf(['uninstall', '--all', '--purge', '--store', at('locked')]);
    tags['moving'] = tags['qus'] as Descriptor;
    await documentOf(words(`--locked=${lock}`), { env });
    const update = ['lock', '--update', '--lock-file', lock, '--store', at('locked')];
    expect(await documentOf(update, { env })).toMatchObject({ changes: [], unchanged: ['aarch64'] });
  });

  it.each([
    ['a named pipe', 'pipe', 'BAD_SOURCE', /is a named pipe/],
    ['a layout with one in it', 'piped', 'BAD_PACKAGE', /index\.json is a named pipe, not a regular file/],
  ] as const)('refuses %s without blocking', async (_, name, code, message) => {
    mkdirSync(at('piped'), { recursive: true });
    execFileSync('sh', [
      '-c',
      'for each; do test -e "$each" || mkfifo "$each"; done',
      'sh',
      at('pipe'),
      at('piped/index.json'),
    ]);
    const words = ['install', 'riscv64', '--source', `oci:${at(name)}`, '--store', store];
    await expectRefusal(words, { status: code === 'BAD_SOURCE' ? 2 : 1, code, message, hint: /./ }, { env });
  });

  it.each([
    [
      'an image for other machines',
      'other',
      'SOURCE_FAILED',
      /has no image for linux/,
      /platforms of this image: linux\/s390x/,
    ],
    ['a missing image', 'absent', 'SOURCE_FAILED', /no such image/, /name and tag/],
    ['unsafe names', 'bad', 'BAD_PACKAGE', /"\.\.\/\.\.\/etc\/passwd"/, /do not trust/],
    [
      'an emulator that it does not contain',
      'multiarch',
      'EMULATOR_NOT_FOUND',
      /no emulator for riscv64/,
      /check oci:.*omit --source/,
    ],
  ] as const)('refuses %s without storing or registering anything', async (_, tag, code, message, hint) => {
    const before = snapshot(store);
    const source = `oci:${registry.host}/test/image:${tag}`;
    const words = ['install', 'riscv64', '--source', source, '--store', store];
    await expectRefusal(words, { status: 1, code, message, hint }, { env });
    expect(snapshot(store)).toEqual(before);
  });

  it('reports an invalid image name as a usage error', async () => {
    const words = ['install', 'riscv64', '--source', 'oci:No Image', '--store', store];
    const refusal = {
      status: 2,
      code: 'BAD_SOURCE',
      message: /invalid image name/,
      hint: /Docker image name/,
    } as const;
    await expectRefusal(words, refusal, { env });
  });
});
