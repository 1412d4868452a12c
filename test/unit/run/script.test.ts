import { describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/run/script.ts';
import { ruleOf, tools } from '../enter/script/scripts.ts';

const plan = {
  directory: '/proc/sys/fs/binfmt_misc',
  rules: [ruleOf('qemu-riscv64')],
  ids: { uid: 1000, gid: 100 },
  tools,
};
const scriptOf = (command: readonly string[]): string => command.find((word) => word.includes('\n')) ?? '';

describe('runCommand', () => {
  it("maps the caller's IDs in a second user namespace before it asks for permission", () => {
    const script = scriptOf(runCommand(plan));
    const second = script.indexOf('exec /bin/unshare --user --map-user=1000 --map-group=100 -- /bin/sh -c ');
    expect(second).toBeGreaterThan(script.indexOf('/register'));
    expect(script.indexOf('echo "ready $$" >&2')).toBeGreaterThan(second);
  });

  it('needs no second user namespace for root', () => {
    expect(scriptOf(runCommand({ ...plan, ids: null }))).toMatch(/^exec \/proc\/self\/fd\/4 2>&7 7>&-$/m);
  });

  it('executes the program last, once it has permission', () => {
    const lines = scriptOf(runCommand({ ...plan, ids: null })).split('\n');
    expect(lines.at(-1)).toMatch(/^exec /);
    const leave = lines.indexOf('read -r _ <&8 || exit 125');
    expect(lines[leave - 1]).toBe('echo "ready $$" >&2');
    expect(lines.findIndex((line) => line.includes('/register'))).toBeLessThan(leave);
  });

  it('does not propagate mounts', () => {
    expect(runCommand(plan).join(' ')).toContain(' --mount --propagation private -- /bin/sh -c');
  });
});
