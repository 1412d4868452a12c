import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type InspectOptions, inspect } from '../../src/emulators/inspector.ts';
import { openMemo } from '../../src/emulators/memo.ts';
import type { Candidate } from '../../src/emulators/types.ts';
import { fileIdentity } from '../../src/system/file/files.ts';
import { run } from '../../src/system/process/process.ts';
import { waitingProgram } from '../kernel/launcher.ts';
import { QEMU } from './fixtures/profile.ts';
import { buildProgram, code, FOREIGN, fakeQemu, HOST } from './fixtures/programs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const root = process.geteuid?.() === 0;

async function place(name: string, bytes: Uint8Array | string, mode = 0o755): Promise<string> {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), bytes);
  await chmod(at(name), mode);
  return at(name);
}

const optionsWith = async (changed: Partial<InspectOptions> = {}): Promise<InspectOptions> => ({
  profile: QEMU,
  host: HOST,
  requireStatic: true,
  asRoot: false,
  timeoutMs: 60_000,
  memo: await openMemo({ store: at('memo') }),
  signal: new AbortController().signal,
  ...changed,
});

async function inspected(
  path: string,
  changed: Partial<InspectOptions> = {},
  origin: Candidate['origin'] = 'path',
) {
  return inspect({ path, emulator: 'qemu', guest: 'aarch64', origin }, await optionsWith(changed));
}

describe('inspect', () => {
  it('returns digest, size, version, linkage and head of an emulator', async () => {
    const bytes = fakeQemu('7.2.22');
    const path = await place('fit', bytes);
    const emulator = await inspected(path);
    expect(emulator).toMatchObject({ version: '7.2.22', size: bytes.length, static: true, origin: 'path' });
    expect(emulator.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(emulator.head).toEqual(bytes.subarray(0, 256));
  });

  describe('of an emulator whose version another program prints', () => {
    const profile = { ...QEMU, version: { ...QEMU.version, program: 'teller' } };

    it('runs that program and never the emulator', async () => {
      const path = await place('quiet/emulator', buildProgram(code.hang));
      await place('quiet/teller', fakeQemu('9.8.7'));
      expect(await inspected(path, { profile })).toMatchObject({ version: '9.8.7' });
    });

    it.each([
      ['is missing', null, false],
      ['crashes', buildProgram(code.crash), false],
      ...(root ? [['can be changed by others', fakeQemu('9.8.7'), true] as const] : []),
    ] as const)('returns no version if that program %s', async (name, teller, asRoot) => {
      const directory = name.replaceAll(' ', '-');
      const path = await place(`${directory}/emulator`, buildProgram(code.hang));
      if (teller !== null) await place(`${directory}/teller`, teller, asRoot ? 0o777 : 0o755);
      expect(await inspected(path, { profile, asRoot })).toMatchObject({ version: null });
    });
  });

  it('accepts an emulator that prints no version, with a warning', async () => {
    const oddities: string[] = [];
    const path = await place('silent', buildProgram(code.print('hello')));
    const emulator = await inspected(path, { onOddity: (text) => oddities.push(text) });
    expect(emulator.version).toBeNull();
    expect(oddities).toEqual([expect.stringContaining('does not report its qemu version')]);
  });

  it('finds the version of an emulator for other machines anywhere in its file', async () => {
    const profile = { ...QEMU, version: { ...QEMU.version, inBytes: true } };
    const changed = { host: FOREIGN, forOtherHost: true, profile };
    // Around the ends of the parts that are read.
    for (const at of [0, 262_130, 262_144, 524_280, 600_000]) {
      const line = `${'\xff'.repeat(at)}\0qemu-aarch64 version 7.2.22 (Debian 1:7.2)\n\0${'\xff'.repeat(1000)}`;
      const bytes = buildProgram(Buffer.from(line, 'latin1'), { identity: FOREIGN });
      expect(await inspected(await place(`elsewhere-${at}`, bytes), changed)).toMatchObject({
        version: '7.2.22',
      });
    }
    const silent = await place(
      'elsewhere-silent',
      buildProgram(Buffer.from('qemu-aarch64'), { identity: FOREIGN }),
    );
    expect((await inspected(silent, changed)).version).toBeNull();
  });

  it('neither runs nor records a file with an unexpected digest', async () => {
    const path = await place('crashing', buildProgram(code.crash));
    const memo = await openMemo({ store: at('memo') });
    const { sha256 } = await inspected(path, { memo, sha256: 'ab'.repeat(32) });
    expect(sha256).toMatch(/^(?!abab)[0-9a-f]{64}$/);
    await expect(inspected(path, { memo, sha256 })).rejects.toMatchObject({
      message: expect.stringContaining('crashes'),
    });
  });

  it('names the original of a copy', async () => {
    const path = await place('copy', '#!/bin/sh\n');
    const candidate = { path, from: '/usr/bin/qemu of image', emulator: 'qemu', guest: 'arm' } as const;
    const result = inspect({ ...candidate, origin: 'oci' }, await optionsWith());
    await expect(result).rejects.toMatchObject({
      message: expect.stringMatching(/^cannot use \/usr\/bin\/qemu of image as the emulator/),
    });
  });

  it('rejects a missing file', async () => {
    await expect(inspected(at('nothing'))).rejects.toMatchObject({
      code: 'EMULATOR_NOT_FOUND',
      hint: expect.stringContaining('--source'),
    });
  });

  it('rejects a dangling link, with its target', async () => {
    await symlink('/nowhere/qemu', at('dangling'));
    await expect(inspected(at('dangling'))).rejects.toMatchObject({
      code: 'EMULATOR_NOT_FOUND',
      message: expect.stringContaining('/nowhere/qemu'),
    });
  });

  it('rejects a directory, a named pipe and a device without opening them', async () => {
    await mkdir(at('folder'));
    await run('mkfifo', [at('pipe')]);
    const kinds = [at('folder'), at('pipe'), '/dev/null'];
    const messages = await Promise.all(
      kinds.map((path) => inspected(path).catch((error: Error) => error.message)),
    );
    expect(messages).toEqual([
      expect.stringContaining('it is a directory'),
      expect.stringContaining('it is a named pipe'),
      expect.stringContaining('it is a device'),
    ]);
  });

  it('rejects a file that is not executable', async () => {
    const path = await place('plain', fakeQemu(), 0o644);
    await expect(inspected(path)).rejects.toMatchObject({
      code: 'EMULATOR_UNFIT',
      hint: expect.stringContaining('--source'),
    });
  });

  it('rejects a script and an empty file', async () => {
    await expect(inspected(await place('script', '#!/bin/sh\necho hi\n'))).rejects.toMatchObject({
      code: 'NOT_ELF',
    });
    await expect(inspected(await place('empty', ''))).rejects.toMatchObject({ code: 'NOT_ELF' });
  });

  it('rejects a truncated ELF file without running it', async () => {
    const path = await place('cut', fakeQemu().subarray(0, 70));
    await expect(inspected(path)).rejects.toMatchObject({ code: 'BAD_ELF' });
  });

  it.each([
    [false, 'it is built for s390x, which this machine does not run'],
    ['no namespaces', 'cannot determine whether this machine runs s390x programs: no namespaces'],
  ])('rejects a program of another arch, with the name of that arch: native %s', async (native, text) => {
    const path = await place('foreign', buildProgram(code.crash, { identity: FOREIGN }));
    const refusal = { code: 'EMULATOR_UNFIT', message: expect.stringContaining(text) };
    const archOf = () => Promise.resolve({ name: 's390x', native });
    await expect(inspected(path, { archOf })).rejects.toMatchObject(refusal);
  });

  it('accepts a program of another arch that this machine runs natively', async () => {
    const bytes = fakeQemu('7.2.22');
    const path = await place('sibling', bytes);
    const archOf = () => Promise.resolve({ name: 'native', native: true });
    expect(await inspected(path, { host: FOREIGN, archOf })).toMatchObject({ version: '7.2.22' });
    const elsewhere = inspected(path, { host: FOREIGN, archOf, forOtherHost: true });
    await expect(elsewhere).rejects.toMatchObject({ code: 'EMULATOR_UNFIT' });
  });

  it('rejects a dynamic emulator if static is required, with the interpreter that it requires', async () => {
    const path = await place('dynamic', buildProgram(code.crash, { interpreter: '/lib/ld-none.so' }));
    await expect(inspected(path)).rejects.toMatchObject({
      message: expect.stringContaining('/lib/ld-none.so'),
    });
  });

  it('accepts a dynamic emulator if static is not required', async () => {
    const node = await inspected(process.execPath, { requireStatic: false });
    expect(node.static).toBe(false);
  });

  it('rejects an emulator that crashes, with the signal', async () => {
    const path = await place('crash', buildProgram(code.crash));
    await expect(inspected(path)).rejects.toMatchObject({
      message: expect.stringMatching(/crashes with SIG(ILL|SEGV)/),
    });
  });

  it('rejects an emulator that hangs, at the time limit', async () => {
    const path = await place('hang', buildProgram(code.hang));
    await expect(inspected(path, { timeoutMs: 200 })).rejects.toMatchObject({
      message: expect.stringContaining('did not report its version within 0.2 s'),
    });
  });

  it('stops the emulator when interrupted', async () => {
    const running = at('running');
    const path = await place('interrupted', waitingProgram(running));
    const aborting = new AbortController();
    const ended = expect(inspected(path, { signal: aborting.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    await expect.poll(() => existsSync(running)).toBe(true);
    aborting.abort();
    await ended;
  });

  it('does not run a stored file with a wrong digest', async () => {
    const path = `damaged/sha256/${'0'.repeat(64)}/qemu-aarch64`;
    const crashing = await place(path, buildProgram(code.crash));
    await expect(inspected(crashing, {}, 'store')).rejects.toMatchObject({
      message: expect.stringContaining('does not match its digest'),
    });
  });

  it('computes an expected digest, even if the memo knows the file', async () => {
    const path = await place('other-bytes', fakeQemu());
    const { sha256 } = await inspected(path);
    const memo = await openMemo({ store: at('lying') });
    const locked = 'ab'.repeat(32);
    memo.record(await fileIdentity(path), { sha256: locked, version: '9.9.9' }, 'qemu');
    expect((await inspected(path, { memo, sha256: locked })).sha256).toBe(sha256);
    const stored = await place(`lying/sha256/${locked}/qemu-aarch64`, fakeQemu());
    memo.record(await fileIdentity(stored), { sha256: locked, version: '9.9.9' }, 'qemu');
    await expect(inspected(stored, { memo }, 'store')).rejects.toMatchObject({ code: 'EMULATOR_UNFIT' });
  });

  it('rejects a stored file with a wrong digest', async () => {
    const path = await place(`sha256/${'0'.repeat(64)}/qemu-aarch64`, fakeQemu());
    await expect(inspected(path, {}, 'store')).rejects.toMatchObject({
      message: expect.stringContaining('does not match its digest'),
    });
  });

  it.runIf(root)('rejects, for root, a file that others can write, with its path', async () => {
    const file = await place('open/file', fakeQemu(), 0o777);
    const folder = await place('wide/folder/qemu', fakeQemu());
    await chmod(at('wide/folder'), 0o777);
    const owned = await place('owned', fakeQemu());
    await chown(owned, 1234, 1234);
    await symlink(await place('safe', fakeQemu()), at('wide/folder/link'));
    const refusals = await Promise.all(
      [file, folder, owned, at('wide/folder/link')].map((path) =>
        inspected(path, { asRoot: true }).catch((error: Error) => error.message),
      ),
    );
    expect(refusals).toEqual([
      expect.stringContaining('it can be written by others'),
      expect.stringContaining(`${at('wide/folder')} can be written by others`),
      expect.stringContaining('it belongs to user 1234'),
      expect.stringContaining(`${at('wide/folder')} can be written by others`),
    ]);
  });

  it.runIf(root)(
    'accepts, for root, a file that only root can write, even in a sticky directory',
    async () => {
      expect((await inspected(await place('root', fakeQemu()), { asRoot: true })).version).toBe('9.9.9');
    },
  );
});

describe('memo', () => {
  it('saves hashing and running a file until it changes', async () => {
    const path = await place('remembered', buildProgram(code.print('qemu-x version 1.2.3\n')));
    const memo = await openMemo({ store: at('memory') });
    const first = await inspected(path, { memo });
    await mkdir(at('memory'), { recursive: true });
    await memo.save();
    // A pattern that finds nothing shows that the program is not run again.
    const deaf = { ...QEMU, version: { ...QEMU.version, pattern: 'nothing' } };
    const again = await inspected(path, { profile: deaf, memo: await openMemo({ store: at('memory') }) });
    expect(again).toEqual(first);
    await utimes(path, 1, 1);
    expect(
      (await inspected(path, { profile: deaf, memo: await openMemo({ store: at('memory') }) })).version,
    ).toBeNull();
  });

  it.each([
    '',
    'not json',
    '[]',
    '{"schema":"binfmtctl/inspected/1","files":{"1:2:3:4:5":{"sha256":"x","versions":{}}}}',
  ])('is empty if its file contains %j', async (text) => {
    await place('garbage/inspected.json', text);
    const memo = await openMemo({ store: at('garbage') });
    expect(memo.recall({ dev: '1', ino: '2', size: '3', mtimeNs: '4', ctimeNs: '5' })).toBeNull();
  });

  it('keeps the newest 500', async () => {
    await mkdir(at('full'));
    const memo = await openMemo({ store: at('full') });
    const file = (ino: number) => ({ dev: '1', ino: `${ino}`, size: '1', mtimeNs: '1', ctimeNs: '1' });
    for (let ino = 0; ino < 600; ino++)
      memo.record(file(ino), { sha256: 'a'.repeat(64), version: null }, 'qemu');
    await memo.save();
    const saved = JSON.parse(await readFile(at('full/inspected.json'), 'utf8')) as { files: object };
    expect(Object.keys(saved.files)).toHaveLength(500);
    expect((await openMemo({ store: at('full') })).recall(file(599), 'qemu')).not.toBeNull();
  });

  it('has no version of a file that was not run', async () => {
    const memo = await openMemo({ store: at('none') });
    const file = { dev: '1', ino: '2', size: '3', mtimeNs: '4', ctimeNs: '5' };
    memo.record(file, { sha256: 'a'.repeat(64), version: null });
    expect(memo.recall(file, 'qemu')).toBeNull();
    memo.record(file, { sha256: 'a'.repeat(64), version: '1.0' }, 'qemu');
    expect(memo.recall(file)?.version).toBe('1.0');
  });
});
