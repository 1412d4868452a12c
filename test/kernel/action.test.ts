/** The GitHub Action, run as a runner runs it. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildAction } from '../../scripts/build-action.mjs';
import { parseInputs } from '../../src/cli/action/inputs.ts';
import { waitingProgram } from './launcher.ts';
import { actionRunner, recordingSudo } from './support/action.ts';
import {
  BINFMT,
  emulatorFolder,
  entries,
  registerForeign,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const { run, workspace, forgetStore } = actionRunner();
const source = `dir:${emulatorFolder()}`;
const own = process.arch === 'x64' ? 'amd64' : 'arm64';

afterEach(() => {
  removeAllEntries();
  forgetStore();
});
afterAll(removeAllEntries);

describe('the action', () => {
  it.each(['root', 'sudo'] as const)('registers and proves what is asked for, as %s', async (as) => {
    const acted = await run({ platforms: `linux/${own},riscv64, linux/s390x`, source }, { as });
    const { status, annotations, outputs, summary, log } = acted;
    expect({ status, log }).toEqual({ status: 0, log: expect.stringContaining('Verifying riscv64, s390x') });
    expect(annotations.filter(({ kind }) => kind === 'error')).toEqual([]);
    expect(outputs['platforms']?.split(',')).toEqual(
      expect.arrayContaining([`linux/${own}`, 'linux/riscv64', 'linux/s390x']),
    );
    const state = JSON.parse(outputs['status'] ?? '');
    expect(state).toMatchObject({ schema: 'binfmtctl/status/2' });
    expect(
      state.entries.map((line: { arch: string; proof: { holds: boolean } }) => [line.arch, line.proof.holds]),
    ).toEqual(
      expect.arrayContaining([
        ['riscv64', true],
        ['s390x', true],
      ]),
    );
    expect(summary).toMatch(
      /<tr><td>s390x<\/td><td>qemu-s390x<\/td><td>qemu<\/td><td>7\.2\.\d+<\/td><td>host, chroot, mount namespace, argv\[0\], credentials<\/td><\/tr>/,
    );
    expect(Object.keys(entries()).toSorted()).toEqual(['qemu-riscv64', 'qemu-s390x']);
    expect(entries()['qemu-riscv64']).toMatch(/interpreter \/var\/lib\/binfmtctl\/.*\nflags: POCF\n/);
  });

  it('warns with annotations of the runner', async () => {
    const { annotations } = await run({ platforms: 'riscv64', source });
    expect(annotations.map(({ kind }) => kind)).not.toContain('error');
    expect(annotations).toContainEqual({
      kind: 'warning',
      text: expect.stringMatching(/qemu 7\.2\.\d+ has a known problem/),
    });
  });

  it('registers all that is found where no platform is named, and says why others are left out', async () => {
    const one = join(folder, 'one');
    mkdirSync(one);
    writeFileSync(
      join(one, 'qemu-riscv64-static'),
      readFileSync(join(emulatorFolder(), 'qemu-riscv64-static')),
    );
    chmodSync(join(one, 'qemu-riscv64-static'), 0o755);
    const { status, summary } = await run({ platforms: '', source: `dir:${one}` });
    expect(status).toBe(0);
    expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
    expect(summary).toMatch(
      /<td>s390x<\/td><td>-<\/td><td>-<\/td><td>-<\/td><td>left out: no emulator for s390x/,
    );
  });

  it('has nothing to do for what runs here without an emulator', async () => {
    const { status, outputs, log } = await run({ platforms: own });
    expect({ status, log }).toEqual({
      status: 0,
      log: expect.stringContaining('runs here without an emulator'),
    });
    expect(outputs['platforms']?.split(',')[0]).toBe(`linux/${own}`);
    expect(entries()).toEqual({});
  });

  it('leaves alone what works already', async () => {
    await run({ platforms: 'riscv64', source });
    const before = entries();
    const { status, outputs } = await run({ platforms: 'riscv64' }, { as: 'sudo' });
    expect(status).toBe(0);
    expect(outputs['platforms']).toContain('linux/riscv64');
    expect(entries()).toEqual(before);
  });

  it('says in the summary that nothing was proved where it was not to be', async () => {
    const { status, summary } = await run({ platforms: 'riscv64', source, verify: 'false' });
    expect(status).toBe(0);
    expect(summary).toContain('<td>not proved</td>');
  });

  it('takes over entries of others with reset alone, and then removes every qemu-*', async () => {
    registerOthers('qemu-riscv64', 'riscv64', '/bin/true', '');
    registerForeign(':qemu-else:E::else::/bin/true:');
    registerForeign(':other:E::other::/bin/true:');
    const refused = await run({ platforms: 'riscv64', source });
    expect(refused.status).toBe(1);
    expect(refused.annotations.at(-1)).toEqual({
      kind: 'error',
      text: expect.stringMatching(
        /qemu-riscv64[\s\S]*\nhint: `reset: true` removes every qemu-\* entry first/,
      ),
    });
    const { status, log } = await run({ platforms: 'riscv64', source, reset: 'true' }, { as: 'sudo' });
    expect({ status, log }).toEqual({
      status: 0,
      log: expect.stringContaining('uninstalling: qemu-else OK'),
    });
    expect(Object.keys(entries()).toSorted()).toEqual(['other', 'qemu-riscv64']);
    expect(entries()['qemu-riscv64']).toContain('/var/lib/binfmtctl/');
  });

  it('removes nothing with reset where there is no replacement', async () => {
    registerOthers('qemu-riscv64', 'riscv64', '/bin/true', '');
    const before = entries();
    const { status } = await run({ platforms: 'riscv64', source: 'dir:/usr/share', reset: 'true' });
    expect(status).toBe(1);
    expect(entries()).toEqual(before);
  });
});

describe('action.yml', () => {
  it('names a program that is built, and inputs that an empty text leaves as they are there', async () => {
    const { runs, inputs, outputs } = parse(readFileSync('action.yml', 'utf8'));
    expect(runs).toEqual({ using: 'node24', main: 'dist/action.cjs' });
    expect(await buildAction(join(folder, 'built'))).toContain('action.cjs');
    expect(Object.keys(outputs)).toEqual(['platforms', 'status']);
    const asked: string[] = [];
    const byDefault = parseInputs((name) => {
      asked.push(name);
      return '';
    });
    expect([...new Set(asked)].toSorted()).toEqual(Object.keys(inputs).toSorted());
    expect(parseInputs((name) => inputs[name].default ?? '')).toEqual(byDefault);
  });
});

describe('bad input', () => {
  it.each([
    [{ platforms: 'linux/arm65' }, /^unknown architecture "linux\/arm65"\nhint: did you mean /],
    [
      { lock: 'none.lock' },
      /^lock file not found: none\.lock\nhint: .*`binfmtctl lock --update arm64 --lock-file none\.lock`/,
    ],
    [{ lock: 'edited.lock' }, /^invalid lock file: edited\.lock:\d+: .*\nhint: restore it/],
    [{ platforms: 'riscv64', source: 'nonsense' }, /^unknown source "nonsense"[\s\S]*\nhint: /],
    [{ platforms: 'riscv64', source: 'dir:/nowhere' }, /\/nowhere[\s\S]*\nhint: /],
    [{ verify: 'maybe' }, /^the input verify is "maybe"\nhint: write `verify: true` or `verify: false`$/],
    [{ lock: 'edited.lock', source }, /^the inputs lock and source do not go together\nhint: /],
  ])('%j is one annotation with what and hint, and registers nothing', async (inputs, text) => {
    writeFileSync(
      join(workspace, 'edited.lock'),
      'schema: binfmtctl/lock/1\nhosts:\n  x86_64:\n    riscv64: mine\n',
    );
    const { status, annotations, outputs } = await run(inputs as Record<string, string>);
    expect(status).toBe(1);
    expect(annotations).toEqual([{ kind: 'error', text: expect.stringMatching(text) }]);
    expect(outputs).toEqual({});
    expect(entries()).toEqual({});
  });
});

describe('a runner that is not root', () => {
  it.each([
    ['password', {}, /this runner cannot become root: sudo: a password is required\nhint: /],
    [
      'user',
      { PATH: '/nowhere' },
      /this runner cannot become root: sudo could not be started \(ENOENT\)\nhint: /,
    ],
  ] as const)('is told that it cannot become root: %s', async (as, env, text) => {
    const { status, annotations } = await run({ platforms: 'riscv64', source }, { as, env });
    expect(status).toBe(1);
    expect(annotations).toEqual([{ kind: 'error', text: expect.stringMatching(text) }]);
    expect(entries()).toEqual({});
  });

  it('gives sudo the words of the inputs, and of the environment what the network needs', async () => {
    const record = join(workspace, 'record');
    const PATH = recordingSudo(join(folder, 'bin'), record);
    const env = {
      PATH,
      https_proxy: 'http://user:secret@proxy',
      NODE_OPTIONS: '--title=x',
      GITHUB_TOKEN: 'secret',
    };
    const inputs = {
      platforms: 'arm64,riscv64',
      source: 'dir:/a\npath:/b\n',
      persist: 'true',
      verify: 'false',
    };
    expect(await run(inputs, { as: 'user', env })).toMatchObject({ status: 0 });
    const words = readFileSync(record, 'utf8').trimEnd().split('\n');
    expect(words.slice(0, 4)).toEqual([
      ...['--non-interactive', '--preserve-env=https_proxy', '--', process.execPath],
    ]);
    expect(words.slice(5)).toEqual([
      ...['install', 'aarch64', 'riscv64', '--credentials=new', '--source', 'dir:/a', '--source', 'path:/b'],
      ...['--no-verify', '--persist', '--json'],
    ]);
    expect(words.join(' ')).not.toContain('secret');
    const passed = readFileSync(`${record}.env`, 'utf8');
    expect(passed).toContain('https_proxy=http://user:secret@proxy\n');
    expect(passed).not.toMatch(/GITHUB_TOKEN|NODE_OPTIONS|INPUT_/);
  });
});

describe('a job that is cancelled', () => {
  it.each(['root', 'sudo'] as const)('leaves nothing registered, as %s', async (as) => {
    const slow = join(folder, `slow-${as}`);
    mkdirSync(slow);
    const running = join(slow, 'running');
    writeFileSync(join(slow, 'qemu-riscv64-static'), waitingProgram(running));
    chmodSync(join(slow, 'qemu-riscv64-static'), 0o755);
    const inputs = { platforms: 'riscv64', source: `dir:${slow}` };
    const acted = await run(inputs, { as, cancelOnceThere: running });
    expect(acted.status).toBe(143);
    expect(readFileSync(join(BINFMT, 'status'), 'utf8')).toBe('enabled\n');
    expect(entries()).toEqual({});
  });
});
