/** `enter` leaves nothing behind: many at once, and killed at its system calls. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killedAt, momentsIn, pick, randomFrom, recorded } from '../kernel/support/moments.ts';
import { finish, outputOf, startActors } from './support/actors.ts';
import { copyRoot, debianRoot, shiftOwners } from './support/debian-roots.ts';
import { talkTo } from './support/talk.ts';
import { expectSameTraces, type Traces, tracesOf } from './support/traces.ts';

const { root, mapped } = startActors();
const KILLS = 20;
const WAYS = [[], ['--ephemeral'], ['--read-only', '--net', 'none', '--hostname', 'inside']];

describe.each([
  { actor: root, owner: 'root', idOf: null },
  { actor: mapped, owner: 'the user', idOf: null },
  { actor: mapped, owner: 'subordinate ids', idOf: (id: number) => 200_000 + id },
])('for a tree of $owner', ({ actor, idOf }) => {
  let tree: string;
  let before: Traces;
  const enter = (...program: string[]): readonly string[] => actor.words('enter', tree, '--', ...program);

  beforeAll(async () => {
    tree = await actor.root('arm64');
    if (idOf !== null) {
      tree = copyRoot(await debianRoot('arm64'), `${tree}-of-others`);
      shiftOwners(tree, idOf);
    }
    // The emulator goes to the store.
    expect(await outputOf(enter('uname', '-m'))).toBe('aarch64');
    before = tracesOf(tree);
  });
  afterAll(() => expectSameTraces(before, tree));

  it('one enter changes nothing', async () => {
    await outputOf(enter('sh', '-c', 'echo > /tmp/a; echo > /run/b; echo > /dev/shm/c'));
    await expectSameTraces(before, tree);
  });

  it('ten at once do not affect each other', async () => {
    const numbers = Array.from({ length: 10 }, (_, index) => index);
    const script =
      'touch /tmp/$1 /run/$1 /dev/shm/$1; echo /tmp/* /run/[0-9]* /dev/shm/*; cat /proc/[0-9]*/comm | sort -u';
    const said = await Promise.all(
      numbers.map((number) => outputOf(enter('sh', '-c', script, 'sh', `${number}`))),
    );
    for (const number of numbers) {
      const [files, ...names] = said[number]?.split('\n') ?? [];
      expect(files).toBe(`/tmp/${number} /run/${number} /dev/shm/${number}`);
      expect(names).toContain('sh');
    }
    await expectSameTraces(before, tree);
  });

  it(`SIGKILL at ${KILLS} system calls of setup and run leaves nothing`, async () => {
    const random = randomFrom(20);
    const log = join(actor.home, 'strace.log');
    for (const options of WAYS) {
      const words = (script: string) => actor.words('enter', ...options, tree, '--', 'sh', '-c', script);
      await outputOf(underStrace(words('true'), (command) => recorded(command, log, { alone: true })));
      const moments = momentsIn(log);
      for (let count = 0; count < KILLS / WAYS.length; count++) {
        const moment = pick(moments, random);
        const killed = underStrace(words('sleep 1000 & echo runs'), (command) => killedAt(moment, command));
        const { status, signal, stderr } = await finish(killed);
        expect(['SIGKILL', 0], `${moment.call} ${moment.when}: ${stderr}`).toContain(signal ?? status);
      }
    }
    await expectSameTraces(before, tree);
  });

  it('SIGKILL while the program runs ends all its descendants', async () => {
    const talk = talkTo(enter('sh', '-c', 'setsid sleep 1000 & echo runs; sleep 1000'));
    await talk.hear(/runs/);
    talk.kill('SIGKILL');
    await talk.ended;
    await expectSameTraces(before, tree);
  });
});

/** The actor's words, with those that start Node changed. */
function underStrace(
  words: readonly string[],
  change: (command: readonly string[]) => readonly string[],
): readonly string[] {
  const node = words.indexOf(process.execPath);
  return [...words.slice(0, node), ...change(words.slice(node))];
}
