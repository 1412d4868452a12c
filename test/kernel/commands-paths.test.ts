/** A path that does not exist makes the command line wrong, whichever option has it: docs/commands.md, "Exit status". */
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { isGroup } from '../../src/cli/grammar/types.ts';
import { COMMANDS } from '../../src/cli/table/index.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';

const at = temporaryFolder();
const own = [...COMMANDS.values()]
  .flatMap((each) => (isGroup(each) ? each.commands : [each]))
  .filter(({ isDropIn }) => !isDropIn);

beforeAll(() => {
  writeFileSync(at('file'), 'text\n');
  mkdirSync(at('directory'));
});

/** Exit status and code; the message names the path. */
async function refusal(words: readonly string[], path: string) {
  const { status, stdout, stderr } = await binfmtctl([...words, '--json', '--quiet']);
  const { code, message } = JSON.parse(stdout || stderr || '{}') as Record<string, string>;
  expect(message).toContain(path);
  return [status, code];
}

const folder = '/none/such';
const missing = `${folder}/x`;
const COMMON = [['--binfmt-dir'], ['--catalogue']] as const;

describe.concurrent('a path that does not exist', () => {
  it.each([
    ...COMMON.map((option) => ['status', ...option]),
    ['verify', '--root'],
    ['import'],
    ['export', '--all', '--output'],
    ['bundle', 'arm64', '-o'],
    ['catalogue', 'lint'],
    ['lock', '--update', '--lock-file'],
  ])('is refused with 2: %j', async (...words) => {
    expect(await refusal([...words, missing], folder)).toEqual([2, 'USAGE']);
  });

  it.each([
    ['install', 'arm64', '--lock=%'],
    ['install', 'arm64', '--locked=%'],
    ['install', 'riscv64', '--source', 'path:%'],
    ['install', 'riscv64', '--source', 'dir:%'],
    ['install', 'riscv64', '--source', 'bundle:%'],
    ['install', 'riscv64', '--source', 'oci:%'],
    ['install', 'riscv64', '--allow-unverified', '--source', 'url:file://%'],
    ['bundle', 'riscv64', '-o', `${at('x')}.tar`, '--source', 'path:%'],
    ['lock', '--lock-file=%'],
  ])('is refused with 2 within a value: %j', async (...words) => {
    const line = [...words.map((word) => word.replace('%', missing)), '--store', at('store')];
    expect((await refusal(line, folder))[0]).toBe(2);
  });

  it.each([
    ['run', '--sysroot', missing, '--', 'true'],
    ['enter', missing],
    ['enter', '--bind', `${missing}:/mnt`, at('directory'), '--', '/x'],
  ])('is refused with 125, as every failure of run and enter: %j', async (...words) => {
    const [command = '', ...rest] = words;
    const { status } = await binfmtctl([command, ...rest]);
    expect(status).toBe(125);
  });

  it('is a store that install will create', async () => {
    const { status } = await binfmtctl(['store', 'list', '--store', at('new/store')]);
    expect(status).toBe(0);
  });
});

describe.concurrent('a file where a directory is needed', () => {
  it.each([
    ...[...COMMON, ['--store']].map((option) => ['status', ...option]),
    ['verify', '--root'],
    ['catalogue', 'lint'],
  ])('is refused with 2: %j', async (...words) => {
    expect(await refusal([...words, at('file')], at('file'))).toEqual([2, 'USAGE']);
  });
});

it('is known of every option and word that takes a path', () => {
  const values = own.flatMap(({ name, words, options }) => [
    ...options.map(([flags, , details]) => [name, flags, details?.path] as const),
    ...words.map(([word, , path]) => [name, word, path] as const),
  ]);
  const unknown = values
    .filter(([, text, path]) => path === undefined && /\b(?:DIR|FILE|PATH|ROOTFS)\b/.test(text))
    .map(([name, text]) => `${name} ${text}`);
  // A missing lock file is refused with the command that creates it. `enter` knows what a root can be; DIR is inside it.
  expect(unknown).toEqual([
    'install --locked[=FILE]',
    'enter --workdir DIR',
    'enter ROOTFS',
    'bundle --locked[=FILE]',
  ]);
});
