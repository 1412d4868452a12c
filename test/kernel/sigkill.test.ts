/** SIGKILL at random moments of every command that writes; SIGKILLS sets how many, default 10. */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { buildProbe } from '../../src/elf/probe.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const KILLS = Number(process.env['SIGKILLS'] ?? 10);
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const env = { TMPDIR: at('tmp') };
const common = ['--store', at('store')];
const source = ['--source', `dir:${emulatorFolder()}`, ...common];
const COMMANDS: readonly (readonly string[])[] = [
  ['install', 'arm', 'riscv64', ...source],
  ['uninstall', '--all', ...common],
  ['run', ...source, '--', at('program')],
  ['enter', ...source, '--net', 'none', at('root'), '--', '/bin/busybox', 'true'],
  ['bundle', 'riscv64', '-o', at('out/emulators.tar'), ...source],
];

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  for (const name of [
    'tmp',
    'out',
    'store',
    'root/bin',
    'root/etc',
    'root/proc',
    'root/sys',
    'root/dev',
    'root/tmp',
    'root/run',
  ])
    mkdirSync(at(name), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), at('root/bin/busybox'));
  const { s390x } = builtinCatalogue().arches;
  if (s390x !== undefined) writeFileSync(at('program'), buildProbe(s390x.elf, s390x.probe), { mode: 0o755 });
  chmodSync(at('tmp'), 0o1777);
});
afterAll(removeAllEntries);

/** How long the command takes when it is not killed, or until the signal. */
async function killed(words: readonly string[], afterMs: number): Promise<void> {
  const args = [resolve('dist/cli.cjs'), ...words];
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const ended = new Promise((done) => child.once('exit', done));
  await Promise.race([wait(afterMs), ended]);
  child.kill('SIGKILL');
  await ended;
}

const ours = (): readonly string[] =>
  Object.keys(entries())
    .filter((name) => name !== 'foreign')
    .sort();
const noted = (): readonly string[] => {
  try {
    return readdirSync(at('store/registrations'))
      .map((name) => name.replace('.json', ''))
      .sort();
  } catch {
    return [];
  }
};

it(
  `leaves nothing in TMPDIR after the next command, and neither loses nor leaves an entry: ${KILLS} times`,
  async () => {
    registerForeign(':foreign:M::FOREIGN::/bin/true:');
    for (let kill = 0; kill < KILLS; kill++) {
      const words = COMMANDS[kill % COMMANDS.length] ?? [];
      const afterMs = 60 + Math.random() * 900;
      await killed(words, afterMs);
      const what = `${words[0]} killed after ${afterMs} ms`;
      const next = await binfmtctl(['uninstall', 'no-such-*', ...common], { env });
      expect({ what, status: next.status, said: /ignored|cannot/.test(next.stderr) && next.stderr }).toEqual({
        what,
        status: 0,
        said: false,
      });
      expect({ what, left: readdirSync(at('tmp')) }).toEqual({ what, left: [] });
      expect({ what, entries: ours() }).toEqual({ what, entries: noted() });
      expect([[], ['qemu-arm', 'qemu-riscv64']], what).toContainEqual(ours());
      expect(entries()).toHaveProperty('foreign');
    }
    await documentOf(['bundle', 'riscv64', '-o', at('out/emulators.tar'), ...source], { env });
    expect(readdirSync(at('out'))).toEqual(['emulators.tar']);
  },
  40 * 60_000,
);
