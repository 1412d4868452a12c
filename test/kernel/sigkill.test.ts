/** SIGKILL at system calls of every command that writes; SIGKILLS sets the number: 10 by default, 100 in the stress run. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { buildProbe, PROBE_EXIT_STATUS } from '../../src/elf/probe.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { amount } from '../stress.ts';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';
import { killedAt, type Moment, momentsIn, pick, randomFrom, recorded } from './support/moments.ts';

const COMMAND = resolve('dist/cli.cjs');
const KILLS = amount(10, 100, 'SIGKILLS');
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const env = { TMPDIR: at('tmp') };
const common = ['--store', at('store')];
const source = ['--source', `dir:${emulatorFolder()}`, ...common];
const COMMANDS: readonly (readonly string[])[] = [
  ['install', 'arm', 'riscv64', ...source, '--replace'],
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

const run = ([file = '', ...args]: readonly string[]) =>
  spawnSync(file, args, { encoding: 'utf8', env: { ...process.env, ...env } });

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
    let halfDone = 0;
    let leftInTmp = 0;
    const moments = new Map<readonly string[], readonly Moment[]>();
    for (const words of COMMANDS) {
      const { status, stderr } = run(recorded([process.execPath, COMMAND, ...words], at('log')));
      expect({ words, status, stderr }).toMatchObject({ status: words[0] === 'run' ? PROBE_EXIT_STATUS : 0 });
      moments.set(words, momentsIn(at('log')));
    }
    const random = randomFrom(Number(process.env['SEED'] ?? 1));
    for (let kill = 0; kill < KILLS; kill++) {
      const words = COMMANDS[kill % COMMANDS.length] ?? [];
      // There must be something to remove.
      if (words[0] === 'uninstall') await documentOf(COMMANDS[0] ?? [], { env });
      // The start takes long, so every second kill waits for the journal, if the command writes one.
      const all = moments.get(words) ?? [];
      const within = all.filter(({ inTransaction }) => inTransaction);
      const isWithin = within.length > 0 && Math.floor(kill / COMMANDS.length) % 2 === 1;
      const moment = pick(isWithin ? within : all, random);
      run(killedAt(moment, [process.execPath, COMMAND, ...words]));
      if (existsSync(at('store/journal.json'))) halfDone++;
      if (readdirSync(at('tmp')).length > 0) leftInTmp++;
      const what = `${words[0]} killed at ${moment.call} ${moment.when}`;
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
    console.log(`${halfDone} of ${KILLS} kills left a journal, ${leftInTmp} a temporary directory`);
    // Otherwise the kills prove nothing.
    if (KILLS >= 100) expect(Math.min(halfDone, leftInTmp)).toBeGreaterThan(0);
    await documentOf(['bundle', 'riscv64', '-o', at('out/emulators.tar'), ...source], { env });
    expect(readdirSync(at('out'))).toEqual(['emulators.tar']);
  },
  40 * 60_000,
);
