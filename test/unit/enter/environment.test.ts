import { describe, expect, it } from 'vitest';
import { environmentOf as mapOf, PATH } from '../../../src/enter/environment.ts';

const identity = { name: 'dev', uid: 1000, gid: 1000, home: '/home/dev', shell: '/bin/bash', groups: [] };
const environmentOf = (
  who: typeof identity,
  asked: readonly string[],
  caller: Readonly<Record<string, string>>,
) => Object.fromEntries(mapOf(who, asked, new Map(Object.entries(caller))));
const refused = (asked: string) => () => environmentOf(identity, [asked], {});

describe('environmentOf', () => {
  it('is clean, as after a login', () => {
    const caller = { TERM: 'xterm', SECRET: 'x', LD_PRELOAD: '/evil.so', PATH: '/opt/bin', LANG: 'de_DE' };
    expect(environmentOf(identity, [], caller)).toEqual({
      PATH,
      HOME: '/home/dev',
      SHELL: '/bin/bash',
      USER: 'dev',
      LOGNAME: 'dev',
      TERM: 'xterm',
    });
  });

  it('has no terminal where the caller has none, and always a home and a shell', () => {
    expect(environmentOf({ ...identity, home: '', shell: '' }, [], {})).toEqual({
      PATH,
      HOME: '/',
      SHELL: '/bin/sh',
      USER: 'dev',
      LOGNAME: 'dev',
    });
  });

  it('has what was asked for, the last one where it was twice', () => {
    const asked = ['A=1', 'EMPTY=', 'B=x=y\nz', 'A=2', 'HOME=/elsewhere'];
    expect(environmentOf(identity, asked, {})).toMatchObject({
      A: '2',
      EMPTY: '',
      B: 'x=y\nz',
      HOME: '/elsewhere',
    });
  });

  it("has the caller's own value of a name alone, where there is one", () => {
    const environment = environmentOf(identity, ['LANG', 'EMPTY', 'NONE'], { LANG: 'C', EMPTY: '' });
    expect(environment).toMatchObject({ LANG: 'C', EMPTY: '' });
    expect(environment).not.toHaveProperty('NONE');
  });

  it('has no variables but those of the caller: not the properties of every object', () => {
    expect(Object.keys(environmentOf(identity, ['constructor', 'toString'], {}))).not.toContain(
      'constructor',
    );
    expect(Object.entries(environmentOf(identity, ['__proto__=x'], {}))).toContainEqual(['__proto__', 'x']);
  });

  it('is refused without its value in the message, which may be a secret', () => {
    expect(refused('TOKEN=hunter2\0')).toThrow(
      expect.objectContaining({ message: 'invalid variable: "TOKEN"' }),
    );
  });

  it.each(['', '=', '=value', 'A\0=x', 'A=x\0y'])('refuses %j', (asked) => {
    expect(refused(asked)).toThrow(expect.objectContaining({ code: 'USAGE', hint: expect.any(String) }));
  });
});
