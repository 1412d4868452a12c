import { describe, expect, it } from 'vitest';
import {
  inNewNamespaces,
  instanceLines,
  registerLines,
  withParent,
} from '../../../../src/system/namespace/setup-script.ts';
import { ruleOf, tools } from '../../enter/script/scripts.ts';

describe('registerLines', () => {
  it('registers the rule last that the kernel must try first', () => {
    const lines = registerLines('/d', [ruleOf('first'), ruleOf('second')]);
    expect(lines.map((line) => /:(\w+):M/.exec(line)?.[1])).toEqual(['second', 'first']);
  });

  it('exits with the failed step if the kernel refuses a rule', () => {
    expect(registerLines('/a b', [ruleOf('one')])[0]).toMatch(
      />'\/a b\/register' \|\| \{ echo "failed register \$\?" >&2; exit 125; \}$/,
    );
  });
});

describe('instanceLines', () => {
  it('mounts the instance before it registers rules', () => {
    const [mount, ...rest] = instanceLines('/d', [ruleOf('one')], tools);
    expect(mount).toMatch(/^\/bin\/mount -n -t binfmt_misc -o nosuid,nodev,noexec binfmt_misc \/d \|\| /);
    expect(rest).toEqual(registerLines('/d', [ruleOf('one')]));
  });
});

describe('inNewNamespaces', () => {
  const inside = ['/bin/unshare', '--mount', '--', '/bin/sh', '-c', 'SCRIPT'];
  const parts = { flags: ['--mount'], tools };

  it('ends with its parent', () => {
    expect(inNewNamespaces('SCRIPT', { ...parts, user: false })).toEqual([...withParent(tools), ...inside]);
  });

  it('works without setpriv', () => {
    const without = { ...tools, setpriv: null };
    expect(inNewNamespaces('SCRIPT', { ...parts, tools: without, user: false })).toEqual(inside);
  });

  const asks = 'read -r pid _ </proc/self/stat; echo "map $pid" >&2; read -r _ <&8 || exit 125';

  it('requests its ID maps in a new user namespace, and keeps its capabilities', () => {
    const command = inNewNamespaces('SCRIPT', { ...parts, user: true });
    expect(command).toEqual([
      ...withParent(tools),
      ...['/bin/unshare', '--user', '--keep-caps', '--mount', '--', '/bin/sh', '-c', `${asks}\nSCRIPT`],
    ]);
  });

  it('switches to root if the caller is not root inside, and still ends with its parent', () => {
    const command = inNewNamespaces('SCRIPT', { ...parts, user: true, becomesRoot: true });
    const [, becoming] = (command.at(-1) ?? '').split('; exec ');
    expect(becoming).toBe(
      '/bin/setpriv --reuid=0 --regid=0 --clear-groups -- /bin/setpriv --pdeathsig KILL -- /bin/sh -c SCRIPT',
    );
  });

  it('starts process 1 before the job, so that the process group of the job has an ID inside', () => {
    const script = inNewNamespaces('SCRIPT', { ...parts, user: false, isJob: true }).at(-1) ?? '';
    const lines = script.split('\n');
    const init = lines.findIndex((line) => /read -r _ <&3.* &$/.test(line));
    expect(init).toBeGreaterThan(-1);
    expect(lines.findIndex((line) => line.includes('SCRIPT'))).toBeGreaterThan(init);
  });

  it('starts process 1 as a separate job, which Ctrl-Z does not stop', () => {
    const script = inNewNamespaces('SCRIPT', { ...parts, user: false, isJob: true }).at(-1) ?? '';
    const lines = script.split('\n');
    const init = lines.findIndex((line) => /read -r _ <&3.* &$/.test(line));
    expect(lines.indexOf('set -m')).toBeGreaterThan(-1);
    expect(lines.indexOf('set -m')).toBeLessThan(init);
  });
});
