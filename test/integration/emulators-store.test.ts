import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { listStored, pruneStore, removeFromStore } from '../../src/emulators/store/store.ts';
import { keep, writeStore } from '../../src/emulators/store/writer.ts';
import { run } from '../../src/system/process/process.ts';
import { bundle } from './fixtures/bundle.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const root = process.geteuid?.() === 0;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text);
}

const namesIn = async (path: string): Promise<string[]> =>
  (await readdir(path)).filter((name) => name !== 'lock');

describe('keep', () => {
  it('stores a file by its sha256, executable by all users, regardless of the umask', async () => {
    const before = process.umask(0o077);
    try {
      const stored = await keep(at('plain'), 'qemu-aarch64', chunks('one', 'two'));
      const sha256 = createHash('sha256').update('onetwo').digest('hex');
      expect(stored).toEqual({
        path: at(`plain/sha256/${sha256}/qemu-aarch64`),
        sha256,
        name: 'qemu-aarch64',
        size: 6,
      });
      expect(await readFile(stored.path, 'utf8')).toBe('onetwo');
      expect((await stat(stored.path)).mode & 0o777).toBe(0o755);
      expect((await stat(at(`plain/sha256/${sha256}`))).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
    }
  });

  it('leaves a file that is already stored unchanged', async () => {
    const first = await keep(at('twice'), 'qemu-arm', chunks('same'));
    const { ino } = await stat(first.path);
    await keep(at('twice'), 'qemu-arm', chunks('same'));
    expect((await stat(first.path)).ino).toBe(ino);
  });

  it('replaces a damaged file', async () => {
    const { path } = await keep(at('mended'), 'qemu-arm', chunks('right'));
    await writeFile(path, 'wrong');
    await keep(at('mended'), 'qemu-arm', chunks('right'));
    expect(await readFile(path, 'utf8')).toBe('right');
  });

  it.each(['../escape', 'a/b', '.', '..', '', 'x\0y', '-rf'])('rejects the name %j', async (name) => {
    await expect(keep(at('names'), name, chunks('x'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await listStored(at('names'))).toEqual([]);
  });

  it('rejects a file that is larger than any emulator, and leaves nothing', async () => {
    async function* endless() {
      const chunk = new Uint8Array(16 * 1024 * 1024);
      for (;;) yield chunk;
    }
    await expect(keep(at('large'), 'qemu-arm', endless())).rejects.toMatchObject({
      message: expect.stringContaining('268435456'),
    });
    expect(await namesIn(at('large/sha256'))).toEqual([]);
  });

  it('lets two processes write at once', async () => {
    const all = await Promise.all(
      ['a', 'b', 'c'].map((text) => keep(at('busy'), `qemu-${text}`, chunks(text))),
    );
    expect((await listStored(at('busy'))).map(({ path }) => path)).toEqual(all.map(({ path }) => path));
  });
});

describe('writeStore', () => {
  it('stores nothing if it fails', async () => {
    const failing = writeStore(at('none'), async ({ put }) => {
      await put('qemu-arm', chunks('first'));
      throw new Error('second');
    });
    await expect(failing).rejects.toThrow('second');
    expect(await namesIn(at('none/sha256'))).toEqual([]);
  });

  it('stores nothing of a stream that fails', async () => {
    async function* broken() {
      yield bytesOf('half');
      throw new Error('cut off');
    }
    await expect(keep(at('half'), 'qemu-arm', broken())).rejects.toThrow('cut off');
    expect(await namesIn(at('half/sha256'))).toEqual([]);
  });

  it('removes temporary files of a killed writer', async () => {
    const hold = [await madeFolder('killed/sha256', 'lock'), 'sh', '-c', 'echo held; exec sleep 60'];
    const writer = spawn('flock', hold, { detached: true });
    await writeFile(at('killed/sha256/tmp-1-x'), 'half');
    await once(writer.stdout, 'data');
    process.kill(-(writer.pid ?? 0), 'SIGKILL');
    await keep(at('killed'), 'qemu-arm', chunks('whole'));
    expect((await namesIn(at('killed/sha256'))).filter((name) => name.startsWith('tmp-'))).toEqual([]);
    expect(await listStored(at('killed'))).toHaveLength(1);
  });

  it('does not follow a link in place of a directory of the store', async () => {
    await mkdir(at('elsewhere'));
    await mkdir(at('linked'));
    await symlink(at('elsewhere'), at('linked/sha256'));
    await expect(keep(at('linked'), 'qemu-arm', chunks('x'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await readdir(at('elsewhere'))).toEqual([]);
  });
});

describe('a store that cannot be written', () => {
  // Mounting a file system requires a namespace, and so another process.
  const keepOn = async (options: string, size: number): Promise<unknown> => {
    const program = await bundle('keep.ts', at('keep.cjs'));
    await mkdir(at('mounted'), { recursive: true });
    const script = 'mount -t tmpfs -o "mode=755,$1" tmpfs "$2" && exec "$3" "$4" "$2" "$5"';
    const namespace = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
    const args = [...namespace, options, at('mounted'), process.execPath, program, `${size}`];
    return JSON.parse(new TextDecoder().decode((await run('unshare', args)).stdout));
  };

  it('is written if there is space', async () => {
    expect(await keepOn('size=4m', 100_000)).toMatchObject({ stored: { size: 100_000 } });
  });

  it('reports a full disk, with a hint', async () => {
    expect(await keepOn('size=256k', 10_000_000)).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('no space left on device'),
      hint: expect.stringContaining('free some space'),
    });
  });

  it('reports a read-only file system, with a hint', async () => {
    expect(await keepOn('ro', 10)).toMatchObject({
      code: 'READ_ONLY',
      hint: expect.stringContaining('--store'),
    });
  });

  it.runIf(root)('reports missing permission, with a hint', async () => {
    const program = await bundle('keep.ts', at('keep.cjs'));
    await mkdir(at('forbidden'), { mode: 0o755 });
    await Promise.all([at(), at('forbidden')].map((path) => chmod(path, 0o755)));
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const { stdout } = await run('setpriv', [...user, process.execPath, program, at('forbidden'), '10']);
    const failure = JSON.parse(new TextDecoder().decode(stdout));
    expect(failure).toMatchObject({ code: 'NO_PRIVILEGE', hint: expect.stringContaining('--store') });
  });
});

describe('reading the store', () => {
  it('lists no links and no other files, and nothing without a store', async () => {
    const { sha256 } = await keep(at('strange'), 'qemu-arm', chunks('bytes'));
    await symlink('/bin/sh', at(`strange/sha256/${sha256}/qemu-aarch64`));
    await symlink(at(`strange/sha256/${sha256}`), at(`strange/sha256/${'1'.repeat(64)}`));
    await writeFile(at('strange/sha256/note'), 'x');
    expect((await listStored(at('strange'))).map(({ name }) => name)).toEqual(['qemu-arm']);
    expect(await listStored(at('absent'))).toEqual([]);
  });

  it('removes emulators that are not to be kept', async () => {
    const [one, two] = await Promise.all(
      ['1', '2'].map((text) => keep(at('pruned'), `qemu-${text}`, chunks(text))),
    );
    const removed = await pruneStore(at('pruned'), new Set([one?.sha256 ?? '']));
    expect(removed).toEqual([two]);
    expect(await listStored(at('pruned'))).toEqual([one]);
    await removeFromStore(at('pruned'), one?.sha256 ?? '');
    await removeFromStore(at('pruned'), '..');
    expect(await listStored(at('pruned'))).toEqual([]);
    expect(await pruneStore(at('absent'), new Set())).toEqual([]);
  });
});

async function madeFolder(folder: string, file: string): Promise<string> {
  await mkdir(at(folder), { recursive: true });
  return at(folder, file);
}
