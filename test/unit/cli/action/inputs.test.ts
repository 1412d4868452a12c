import { describe, expect, it } from 'vitest';
import { parseInputs } from '../../../../src/cli/action/inputs.ts';

const inputs = (given: Readonly<Record<string, string>>) => parseInputs((name) => given[name] ?? '');

describe('parseInputs', () => {
  it('has a default for every input that is empty', () => {
    expect(inputs({})).toEqual({
      ...{ platforms: [], sources: [], lock: undefined },
      ...{ reset: false, verify: true, persist: false, cache: true },
    });
  });

  it('takes platforms with commas or on lines, and all of them where one is called all', () => {
    expect(inputs({ platforms: 'linux/arm64, riscv64,\n s390x ,' }).platforms).toEqual([
      ...['linux/arm64', 'riscv64', 's390x'],
    ]);
    expect(inputs({ platforms: 'arm64,all' }).platforms).toEqual([]);
  });

  it('takes a source on each line, whatever is in it', () => {
    expect(inputs({ source: 'url:https://a.example/x?a=1,2#sha256=00\n\n  apt  \n' }).sources).toEqual([
      ...['url:https://a.example/x?a=1,2#sha256=00', 'apt'],
    ]);
  });

  it.each(['true', 'True', 'TRUE'])('takes %s and its opposite for a truth value', (text) => {
    expect(inputs({ reset: text, persist: ` ${text}\n` })).toMatchObject({ reset: true, persist: true });
  });

  it.each(['False', 'FALSE', 'false'])('takes %s for an untruth', (text) => {
    expect(inputs({ verify: text, cache: text })).toMatchObject({ verify: false, cache: false });
  });

  it.each(['yes', '1', 'tRUE', 'maybe'])(
    'refuses %s as a truth value, and says which input it is',
    (text) => {
      expect(() => inputs({ cache: text })).toThrow(
        expect.objectContaining({ code: 'USAGE', message: `the input cache is ${JSON.stringify(text)}` }),
      );
    },
  );

  it('refuses a source beside a lock file, which names its own', () => {
    expect(() => inputs({ lock: 'binfmtctl.lock', source: 'apt' })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: 'the inputs lock and source do not go together' }),
    );
  });
});
