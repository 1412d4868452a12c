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

  it('omits TERM if the caller has none, and always sets HOME and SHELL', () => {
    expect(environmentOf({ ...identity, home: '', shell: '' }, [], {})).toEqual({
      PATH,
      HOME: '/',
      SHELL: '/bin/sh',
      USER: 'dev',
      LOGNAME: 'dev',
    });
  });

  it('includes the requested variables; the last of duplicates wins', () => {
    const asked = ['A=1', 'EMPTY=', 'B=x=y\nz', 'A=2', 'HOME=/elsewhere'];
    expect(environmentOf(identity, asked, {})).toMatchObject({
      A: '2',
      EMPTY: '',
      B: 'x=y\nz',
      HOME: '/elsewhere',
    });
  });

  it("uses the caller's value for a name without a value, if it is set", () => {
    const environment = environmentOf(identity, ['LANG', 'EMPTY', 'NONE'], { LANG: 'C', EMPTY: '' });
    expect(environment).toMatchObject({ LANG: 'C', EMPTY: '' });
    expect(environment).not.toHaveProperty('NONE');
  });

  it('does not take properties of Object.prototype for variables', () => {
    expect(Object.keys(environmentOf(identity, ['constructor', 'toString'], {}))).not.toContain(
      'constructor',
    );
    expect(Object.entries(environmentOf(identity, ['__proto__=x'], {}))).toContainEqual(['__proto__', 'x']);
  });

  it('rejects an invalid variable without printing its value, which may be a secret', () => {
    expect(refused('TOKEN=hunter2\0')).toThrow(
      expect.objectContaining({ message: 'invalid variable: "TOKEN"' }),
    );
  });

  it.each(['', '=', '=value', 'A\0=x', 'A=x\0y'])('refuses %j', (asked) => {
    expect(refused(asked)).toThrow(expect.objectContaining({ code: 'USAGE', hint: expect.any(String) }));
  });
});
