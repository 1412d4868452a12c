import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { documentOf, expectRefusal } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const source = ['--source', `dir:${emulatorFolder()}`];
let before: ReturnType<typeof snapshot>;
let count = 0;

beforeAll(async () => {
  await documentOf(['install', 'arm64', ...source, '--store', store]);
  before = snapshot(store);
});
afterAll(removeAllEntries);

/** A directory with one profile: a built-in one with other values. */
function folderWith(kind: 'arches' | 'emulators', id: string, values: object): string {
  const directory = join(folder, `${++count}`, kind === 'arches' ? 'arch' : 'emulator');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${id}.yaml`), stringify({ ...builtinCatalogue()[kind][id], ...values }));
  return join(folder, `${count}`);
}

async function refuses(
  directory: string,
  [status, code, message]: readonly [1 | 2, string, RegExp],
  arch = 'riscv64',
): Promise<void> {
  const words = ['install', arch, ...source, '--store', store, '--catalogue', directory, '--no-verify'];
  await expectRefusal(words, {
    status,
    code,
    message,
    hint: /binfmtctl catalogue lint|docs\/catalogue\.md|\S/,
  });
  expect(snapshot(store)).toEqual(before);
}

describe("a user's profile", () => {
  const { magic = '', mask = '' } = builtinCatalogue().arches['riscv64'] ?? {};
  const all = (byte: string): string => byte.repeat(magic.length / 2);

  it.each([
    ['every file', all('00'), all('00')],
    ['every ELF file', `7f454c46${'00'.repeat(16)}`, `ffffffff${'00'.repeat(16)}`],
    ['programs of this machine', magic.replace(/f300$/, '0000'), mask.replace(/ffff$/, '0000')],
    ['scripts', '2321', 'ffff'],
    ['scripts by a part of a byte', '0001', '00ff'],
  ])('that would match %s is refused', async (_, ownMagic, ownMask) => {
    const directory = folderWith('arches', 'riscv64', { magic: ownMagic, mask: ownMask, masked: [] });
    await refuses(directory, [2, 'BAD_PROFILE', /riscv64\.yaml:\d+: /]);
  });

  it('that matches native programs is refused, even if its arch says so too', async () => {
    const { aliases } = builtinCatalogue().arches['riscv64'] ?? {};
    const { x86_64 } = builtinCatalogue().arches;
    const directory = folderWith('arches', 'x86_64', { overlaps: ['riscv64'] });
    const disguised = { ...x86_64, id: 'riscv64', aliases, compat: [], overlaps: ['x86_64'] };
    writeFileSync(join(directory, 'arch/riscv64.yaml'), stringify(disguised));
    await refuses(directory, [2, 'BAD_PROFILE', /matches x86_64 programs, which run natively/]);
  });

  it.each([
    ['a/b', /qemu\.yaml:\d+: entry: /],
    ['..', /^name "\.\." is (a directory|reserved by binfmt_misc)/],
    ['register', /^name "register" is (a directory|reserved by binfmt_misc)/],
    ['status', /^name "status" is (a directory|reserved by binfmt_misc)/],
    ['', /qemu\.yaml:\d+: entry: /],
    ['n'.repeat(256), /qemu\.yaml:\d+: entry: /],
    ['a\u0000b', /qemu\.yaml:\d+: entry: /],
  ])('with an invalid entry name is refused: %j', async (entry, message) => {
    const directory = folderWith('emulators', 'qemu', {
      entry,
      guests: { riscv64: 'riscv64' },
      knownBad: [],
    });
    const code = message.source.startsWith('^name') ? 'BAD_RULE' : 'BAD_PROFILE';
    await refuses(directory, [2, code, message]);
  });

  it.each([
    ['invalid YAML', 'kind: [', /\.yaml:\d+/],
    ['of an unknown kind', 'kind: nonsense\nid: x\n', /\.yaml:1: /],
    ['empty', '', /\.yaml:\d+/],
    [
      'a billion laughs',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`).join('\n')}\n`,
      /\.yaml:\d+/,
    ],
  ])('that is %s is refused with file and line', async (_, text, message) => {
    const directory = join(folder, `${++count}`);
    mkdirSync(join(directory, 'arch'), { recursive: true });
    writeFileSync(join(directory, 'arch/x.yaml'), text);
    await refuses(directory, [2, 'BAD_PROFILE', message]);
  });

  it('that cannot be found is refused', () => refuses('/none/such', [2, 'BAD_PROFILE', /\/none\/such/]));

  it('that is valid is used', async () => {
    const directory = folderWith('emulators', 'qemu', { entry: 'own-{target}' });
    const words = ['install', 'riscv64', ...source, '--store', store, '--catalogue', directory];
    expect(await documentOf(words)).toMatchObject({ proofs: [{ arch: 'riscv64', entry: 'own-riscv64' }] });
    await documentOf(['uninstall', 'own-riscv64', '--store', store]);
  });
});
