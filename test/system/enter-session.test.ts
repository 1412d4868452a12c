/** The interface of a program inside a root: streams, signals, exit status, terminal. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Actor, finish, outputOf, putProgram, startActors } from './support/actors.ts';
import {
  CTRL_C,
  CTRL_D,
  CTRL_Z,
  inOwnGroup,
  quote,
  type Talk,
  talkAtTerminal,
  talkTo,
} from './support/talk.ts';
import { temporaryFolder } from './support/tools.ts';
import { processesWith, stateOf } from './support/traces.ts';

const actors = startActors();
const { mapped } = actors;
const roots = new Map<Actor, string>();

beforeAll(async () => {
  for (const actor of [actors.root, mapped]) {
    roots.set(actor, await actor.root('arm64'));
    // The emulator goes to the store.
    expect(await outputOf(enter(actor, 'uname', '-m'))).toBe('aarch64');
  }
});

const enter = (actor: Actor, ...program: string[]): readonly string[] =>
  actor.words('enter', roots.get(actor) ?? '', ...(program.length > 0 ? ['--', ...program] : []));
/** For a shell that the actor started. */
const own = (actor: Actor, words: readonly string[]): string =>
  words.slice(actor.as.length).map(quote).join(' ');
const sh = (script: string): readonly string[] => enter(mapped, 'sh', '-c', script);

describe('enter ends like the program', () => {
  it.each([0, 1, 42, 125, 126, 127])('with exit status %i', async (status) => {
    expect(await finish(sh(`exit ${status}`))).toMatchObject({ status, stdout: '', stderr: '' });
  });

  it.each([
    ['TERM', 143],
    ['KILL', 137],
    ['INT', 130],
  ] as const)('by SIG%s', async (signal, status) => {
    expect((await finish(sh(`kill -${signal} $$`))).status).toBe(status);
    expect((await finish(enter(actors.root, 'sh', '-c', `kill -${signal} $$`))).status).toBe(status);
  });

  it('does not wait for background processes', async () => {
    const mark = '86399.5';
    expect(await outputOf(sh(`sleep ${mark} > /dev/null 2>&1 & echo left`))).toBe('left');
    await expect.poll(() => processesWith(mark)).toEqual([]);
  });
});

describe('signals to enter', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const)('reach the program: %s', async (signal) => {
    const name = signal.slice(3);
    for (const actor of [actors.root, mapped]) {
      const script = `trap 'echo got ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.1; done`;
      const talk = talkTo(enter(actor, 'sh', '-c', script));
      await talk.hear(/ready/);
      talk.kill(signal);
      expect(await talk.ended).toMatchObject({ status: 9, stdout: `ready\ngot ${name}\n`, stderr: '' });
    }
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'end a program that does not expect them: %s',
    async (signal) => {
      const talk = talkTo(sh('echo ready; exec sleep 86399.25'));
      await talk.hear(/ready/);
      talk.kill(signal);
      const { status } = await talk.ended;
      expect(status).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
      expect(processesWith('86399.25')).toEqual([]);
    },
  );

  it('stop and continue it', async () => {
    const talk = talkTo(inOwnGroup(sh('echo ready 86399.75; read line; echo "read $line"')));
    await talk.hear(/ready/);
    talk.kill('SIGTSTP');
    await expect.poll(() => stateOf(talk.pid)).toBe('T');
    const [program = 0] = processesWith('86399.75').slice(-1);
    await expect.poll(() => stateOf(program)).toBe('T');
    talk.kill('SIGCONT');
    talk.say('on\n');
    expect(await talk.ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/read on\n$/) });
  });
});

describe('streams', () => {
  it('are the same bytes', async () => {
    const folder = temporaryFolder('streams');
    const [input, output, errors] = ['in', 'out', 'err'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = Buffer.from(
      Array.from({ length: 1 << 18 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
    );
    writeFileSync(input, bytes);
    const pipes = `cat ${input} | "$@" 2> ${errors} | cat > ${output}`;
    const command = sh('head -c 100000; cat >&2');
    expect((await finish(['sh', '-c', pipes, 'sh', ...command])).stderr).toBe('');
    expect(readFileSync(output).equals(bytes.subarray(0, 100000))).toBe(true);
    expect(readFileSync(errors).equals(bytes.subarray(100000))).toBe(true);
  });

  it('end when the reader closes them', async () => {
    const { status } = await finish(['sh', '-c', '"$@" | head -n 1', 'sh', ...sh('exec yes')]);
    expect(status).toBe(0);
    await expect.poll(() => processesWith(' yes')).toEqual([]);
  });

  it('are the only descriptors: no others are inherited', async () => {
    // The fourth is the directory that ls reads.
    expect(await outputOf(sh('ls /proc/self/fd'))).toBe('0\n1\n2\n3');
  });
});

describe('a terminal', () => {
  /** The terminal echoes input; quotes distinguish it from output. */
  const ask = async (talk: Talk, line: string, answer: RegExp): Promise<string> => {
    talk.say(`${line}\n`);
    return talk.hear(answer);
  };

  it.each([actors.root, mapped])('gives the shell of $name job control', async (actor) => {
    const talk = talkAtTerminal(enter(actor));
    await ask(talk, 'tty; echo st"a"tus=$?', /\/dev\/\S+\s+status=0/);
    await ask(talk, 'echo m"a"chine=$(uname -m)', /machine=aarch64/);
    await ask(talk, 'sh -c \'echo go""ing; exec sleep 1000\'', /going/);
    talk.say(CTRL_C);
    await ask(talk, 'echo st"a"tus=$?', /status=130/);
    await ask(talk, 'sh -c \'echo go""ing; exec sleep 1000\'', /going/);
    talk.say(CTRL_Z);
    await talk.hear(/Stopped/);
    await ask(talk, 'jobs', /\[1\]\+\s+Stopped/);
    await ask(talk, 'kill %1; fg; echo a"f"ter', /after/);
    await ask(talk, 'stty size; echo st"a"tus=$?', /status=0/);
    talk.say('exit 7\n');
    expect((await talk.ended).status).toBe(7);
  });

  it('delivers an end of file to a shell', async () => {
    const talk = talkAtTerminal(enter(mapped));
    // A shell that does not read yet may lose input.
    await ask(talk, 'echo re"a"dy', /ready.*# /s);
    talk.say(CTRL_D);
    expect((await talk.ended).status).toBe(0);
  });

  it.each([actors.root, mapped])('is shared with the shell outside, for $name', async (actor) => {
    const script = enter(actor, 'sh', '-c', 'echo in""side; read line; echo "line=$line"; exit 3');
    putProgram(join(actor.home, 'go'), `#!/bin/sh\nexec ${own(actor, script)}\n`);
    const talk = talkAtTerminal([...actor.as, 'PS1=outer> ', 'bash', '--norc', '-i'], { cwd: actor.home });
    await ask(talk, './go', /inside/);
    talk.say(CTRL_Z);
    await talk.hear(/Stopped/);
    await ask(talk, 'echo out""side', /outside/);
    await ask(talk, 'fg', /go/);
    await ask(talk, 'hello', /line=hello/);
    await ask(talk, 'echo st"a"tus=$?', /status=3/);
    await ask(talk, './go', /inside/);
    talk.say(CTRL_C);
    await talk.hear(/outer> /);
    await ask(talk, 'echo st"a"tus=$?', /status=130/);
    await ask(talk, 'read back; echo b"a"ck=$back\nwell', /back=well/);
    talk.say('exit 0\n');
    expect((await talk.ended).status).toBe(0);
  });

  it('is restored after a shell was killed in it', async () => {
    const talk = talkAtTerminal([...mapped.as, 'PS1=outer> ', 'bash', '--norc', '-i']);
    const before = await ask(talk, 'stty -g | sed s/^/mode=/', /mode=[0-9a-f]\S+/);
    await ask(talk, own(mapped, enter(mapped, 'sh', '-c', 'kill -9 $$')), /outer> /);
    expect(await ask(talk, 'stty -g | sed s/^/mode=/', /mode=[0-9a-f]\S+/)).toBe(before);
    talk.say('exit 0\n');
    await talk.ended;
  });
});
