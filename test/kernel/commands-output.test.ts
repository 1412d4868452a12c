/** What commands print: to a full disk, of hostile names, and of secrets in sources. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../integration/fixtures/registry.ts';
import { binfmtctl } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const options = ['--store', store];
const source = ['--source', `dir:${emulatorFolder()}`];

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('a full disk', () => {
  const toFull = (words: readonly string[]) => {
    const full = openSync('/dev/full', 'w');
    try {
      const args = [resolve('dist/cli.cjs'), ...words, ...options];
      return spawnSync(process.execPath, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    } finally {
      closeSync(full);
    }
  };

  it.each([[[]], [['--json']]])(
    'for the output of install %j is an error, which says that the entry stays',
    (words) => {
      const { status, stderr } = toFull([
        'install',
        'riscv64',
        ...source,
        '--no-verify',
        '--quiet',
        ...words,
      ]);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(
          /^binfmtctl: cannot write to standard output: No space left on device\nhint: .*changes stay.*\n$/,
        ),
      });
      expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
    },
  );

  it('for the output of status is an error', () => {
    expect(toFull(['status'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^binfmtctl: cannot write to standard output: .*\nhint: .*free space/),
    });
  });
});

describe('hostile names of entries', () => {
  it('are escaped in tables and messages, and exact in JSON', async () => {
    const name = 'a\x1b[31mb\rc\u202ed';
    registerForeign(`:${name}:E::hostile::/bin/false:`);
    const outputs = [
      await binfmtctl(['status', ...options]),
      await binfmtctl(['uninstall', name, '--dry-run', ...options]),
      await binfmtctl([
        'export',
        name,
        '--format',
        'profile',
        '--output',
        join(folder, 'missing/x'),
        ...options,
      ]),
    ];
    for (const { stdout, stderr } of outputs) {
      expect(`${stdout}${stderr}`).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
    }
    expect(outputs[0]?.stdout).toContain('a\\x1b[31mb\\x0dc\\u202ed');
    const { stdout } = await binfmtctl(['status', '--json', ...options]);
    expect(JSON.parse(stdout).entries[0].entry.name).toBe(name);
  });
});

describe('secrets of sources', () => {
  it.each([
    'oci:https://user:hunter2@registry.invalid/image',
    'oci:user:hunter2@registry.invalid/image',
    'url:https://user:hunter2@host.invalid/file',
    's3://user:hunter2@host.invalid/file',
    'url:https://host.invalid/file?token=hunter2',
  ])('are masked in the refusal of %s', async (named) => {
    for (const more of [['--json'], ['--verbose'], ['--dry-run']]) {
      const ran = await binfmtctl(['install', 'riscv64', '--source', named, ...more, ...options]);
      expect(`${ran.stdout}${ran.stderr}`).not.toContain('hunter2');
    }
  });

  it('are not written to a lock file: the query of a signed address', async () => {
    const bytes = readFileSync(join(emulatorFolder(), 'qemu-riscv64-static'));
    const server = createServer((request, response) =>
      response.writeHead(request.url?.includes('Signature=hunter2') ? 200 : 403).end(bytes),
    );
    const { host, close } = await listen(server);
    const lock = join(folder, 'signed.lock');
    const hash = `#sha256=${createHash('sha256').update(bytes).digest('hex')}`;
    const address = `http://${host}/qemu-riscv64-static`;
    const named = `url:${address}?X-Amz-Signature=hunter2${hash}`;
    const words = ['install', 'riscv64', '--source', named, `--lock=${lock}`, '--no-verify', ...options];
    const ran = await binfmtctl(words);
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(/warning: .*without its query/) });
    expect(`${ran.stdout}${ran.stderr}${readFileSync(lock, 'utf8')}`).not.toContain('hunter2');
    expect(readFileSync(lock, 'utf8')).toContain(`source: url:${address}${hash}`);
    // The store still has it.
    expect((await binfmtctl(['install', 'riscv64', `--locked=${lock}`, ...options])).status).toBe(0);
    server.closeAllConnections();
    await close();
  });
});
