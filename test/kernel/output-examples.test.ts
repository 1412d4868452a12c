/** The examples of how the output looks, by running the program; paths, times, versions and sources aside. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  registerForeign,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';
import { onTerminal } from './support/screen.ts';

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
const store = join(temporaryFolder(), 'store');
const source = ['--source', `dir:${emulatorFolder()}`];
const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

/** The text as the examples have it. */
const example = (text: string): string =>
  text
    .replaceAll(/\d+\.\d+\.\d+/g, '7.2.22')
    .replaceAll(/\d+\.\d s\b/g, '4.1 s')
    .replaceAll(/\d\d:\d\d/g, '12:38')
    .replaceAll(/\(\d+\.\d MB\)/g, '(12.9 MB)')
    .replaceAll('(dir)', '(apt, bookworm)')
    .replaceAll(` --store ${store}`, '')
    .replace('this machine or user namespace', 'this machine')
    .replace('here and in containers', 'on this machine and in its containers');

const INSTALLED = `✔ arm64    qemu 7.2.22 (apt, bookworm)  registered and verified
✔ riscv64  qemu 7.2.22 (apt, bookworm)  registered and verified
Ready in 4.1 s, on this machine and in its containers, until the next reboot.
`;

const STATUS = `binfmt_misc is mounted and enabled (this machine). 4 entries.

  ARCH     EMULATOR     ENTRY         FLAGS  STATE
? -        python3.11   python3.11    -      not an architecture
✖ s390x    qemu         qemu-s390x    PO     /usr/bin/qemu-s390x is missing
✔ riscv64  qemu 7.2.22  qemu-riscv64  POF    verified 12:38
✔ arm64    qemu 7.2.22  qemu-aarch64  POF    verified 12:38
`;

const install = () => documentOf(['install', 'arm64', 'riscv64', ...source, '--store', store]);

/** The entries of the example. */
async function registerAll(): Promise<void> {
  await install();
  registerOthers('qemu-s390x', 's390x', '/usr/bin/qemu-s390x', 'PO');
  registerForeign(':python3.11:E::pyc::/usr/bin/python3.11:');
}

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('install', () => {
  it('prints a line per architecture, and one that says that nothing was to be done', async () => {
    const { status, stdout } = await run('install', 'arm64', 'riscv64', ...source);
    expect({ status, stdout: example(stdout) }).toEqual({ status: 0, stdout: INSTALLED });
    const again = await run('install', 'arm64');
    expect(example(again.stdout)).toBe('✔ arm64  already works: qemu 7.2.22, entry qemu-aarch64\n');
  });

  it('shows each architecture live on a terminal, and leaves its result alone', async () => {
    const { status, written, text } = await onTerminal([
      'install',
      'arm64',
      'riscv64',
      ...source,
      '--store',
      store,
    ]);
    expect(status).toBe(0);
    for (const arch of ['arm64  ', 'riscv64'])
      for (const stage of ['registering', 'verifying']) expect(written).toContain(`${arch}  ${stage}`);
    expect(example(text).replace(/^warning: .*\n/, '')).toBe(INSTALLED);
  });

  it.each([
    ['in a CI job', { CI: 'true' }],
    ['on a dumb terminal', { TERM: 'dumb' }],
  ])('prints plain lines %s, each once', async (_, env) => {
    const { written } = await onTerminal(['install', 'arm64', 'riscv64', ...source, '--store', store], {
      env,
    });
    expect(written.replaceAll(COLOURS, '')).not.toContain('\x1b');
    const progress = written.split('\n').filter((line) => /^[A-Z]\w+ing/.test(line));
    expect(progress).toEqual([
      'Finding emulators for arm64, riscv64',
      'Registering arm64, riscv64',
      'Verifying arm64, riscv64',
    ]);
  });

  it('names every architecture that fails, with the reason', async () => {
    const folder = temporaryFolder();
    for (const id of ['aarch64', 'riscv64']) copyFileSync('/bin/true', join(folder, `qemu-${id}`));
    const { status, stderr } = await run('install', 'arm64', 'riscv64', '--source', `dir:${folder}`);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^✖ arm64 {4}.*\n✖ riscv64 {2}.*\nbinfmtctl: .*\nhint: .*\n$/m),
    });
  });
});

describe('status', () => {
  it('prints the table, in a pipe without colours', async () => {
    await registerAll();
    expect(example((await run('status')).stdout)).toBe(STATUS);
  });

  it.each([60, 80, 120])('fits a terminal of %i columns', async (columns) => {
    await registerAll();
    const { text } = await onTerminal(['status', '--store', store], { columns });
    expect(widest(text)).toBeLessThanOrEqual(columns);
    if (columns === 120) expect(example(text)).toBe(STATUS);
  });

  it('is ASCII where the locale is C or the terminal dumb, and has no colours there', async () => {
    await registerAll();
    const ascii = STATUS.replaceAll('✔', '+').replaceAll('✖', 'x');
    const { stdout } = await binfmtctl(['status', '--store', store], { env: { LANG: 'C', LC_ALL: 'C' } });
    expect(example(stdout)).toBe(ascii);
    const dumb = await onTerminal(['status', '--store', store], { columns: 120, env: { TERM: 'dumb' } });
    expect(example(dumb.written)).toBe(ascii);
  });

  it('has colours on a terminal, and none with NO_COLOR or --no-color', async () => {
    await registerAll();
    const coloured = await onTerminal(['status', '--store', store]);
    expect(coloured.written).toContain('\x1b[32m✔\x1b[39m arm64');
    const without = await onTerminal(['status', '--store', store], { env: { NO_COLOR: '1' } });
    const asked = await onTerminal(['status', '--no-color', '--store', store]);
    for (const { written } of [without, asked]) expect(written).not.toContain('\x1b');
  });

  it('has no digests and no paths of the store but with --verbose', async () => {
    await registerAll();
    expect((await run('status')).stdout).not.toMatch(/[0-9a-f]{64}|\/store/);
    expect((await run('status', '--verbose')).stdout).toMatch(/\/store\/sha256\/[0-9a-f]{64}\/qemu-aarch64/);
  });
});

describe('uninstall', () => {
  it('prints one summary, and what stays', async () => {
    await install();
    const { stdout, stderr } = await run('uninstall', '--all');
    expect({ stdout: example(stdout), stderr }).toEqual({
      stdout: `✔ removed 2 entries: qemu-aarch64, qemu-riscv64
Emulators stay in the store (12.9 MB); --purge removes them.
`,
      stderr: '',
    });
  });
});

describe('verify', () => {
  it('prints a line per architecture and a summary, and shows progress', async () => {
    await install();
    const { stdout, stderr } = await run('verify');
    expect({ stdout: example(stdout), stderr }).toEqual({
      stdout: `✔ riscv64  qemu 7.2.22  works on the host and in containers
✔ arm64    qemu 7.2.22  works on the host and in containers
2 architectures: 2 work, in 4.1 s.
`,
      stderr: 'Verifying riscv64, arm64\n',
    });
    const { written, text } = await onTerminal(['verify', '--store', store]);
    expect(written).toContain('arm64    verifying');
    expect(example(text)).toBe(example(stdout));
  });
});
