/** `enter` leaves nothing behind: many at a time, and killed at any moment. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputOf, startActors } from './support/actors.ts';
import { copyRoot, debianRoots, shiftOwners } from './support/debian-roots.ts';
import { talkTo } from './support/talk.ts';
import { expectSameTraces, type Traces, tracesOf } from './support/traces.ts';

const { root, mapped } = startActors();
const KILLS = 20;
const WAYS = [[], ['--ephemeral'], ['--read-only', '--net', 'none', '--hostname', 'inside']];

describe.each([
  { actor: root, owner: 'root', idOf: null },
  { actor: mapped, owner: 'the user', idOf: null },
  { actor: mapped, owner: 'subordinate ids', idOf: (id: number) => 1_000_000 + id },
])('for a tree of $owner', ({ actor, idOf }) => {
  let tree: string;
  let before: Traces;
  const enter = (...program: string[]): readonly string[] => actor.words('enter', tree, '--', ...program);

  beforeAll(async () => {
    tree = await actor.root('arm64');
    if (idOf !== null) {
      tree = copyRoot((await debianRoots()).arm64, `${tree}-of-others`);
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

  it('ten at a time do not meet', async () => {
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

  it(`SIGKILL at ${KILLS} moments of set-up and run leaves nothing`, async () => {
    const start = performance.now();
    await outputOf(enter('true'));
    const whole = performance.now() - start;
    const random = randomFrom(20);
    for (let count = 0; count < KILLS; count++) {
      const program = ['sh', '-c', 'sleep 1000 & echo runs; sleep 1000; echo never'];
      const options = WAYS[count % WAYS.length] ?? [];
      const talk = talkTo(actor.words('enter', ...options, tree, '--', ...program));
      const after = random() * whole * 1.3;
      await new Promise((done) => setTimeout(done, after));
      talk.kill('SIGKILL');
      const { signal, stdout } = await talk.ended;
      expect({ signal, stdout: stdout.replace('runs\n', '') }).toEqual({ signal: 'SIGKILL', stdout: '' });
    }
    await expectSameTraces(before, tree);
  });

  it('SIGKILL while the program runs ends all that it started', async () => {
    const talk = talkTo(enter('sh', '-c', 'setsid sleep 1000 & echo runs; sleep 1000'));
    await talk.hear(/runs/);
    talk.kill('SIGKILL');
    await talk.ended;
    await expectSameTraces(before, tree);
  });
});

/** Numbers from 0 to 1, the same ones for each seed (a linear congruential generator, Numerical Recipes). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
