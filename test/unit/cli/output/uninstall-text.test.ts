import { describe, expect, it } from 'vitest';
import { importText } from '../../../../src/cli/output/import-text.ts';
import { uninstallText } from '../../../../src/cli/output/uninstall-text.ts';
import type { UninstallResult } from '../../../../src/install/uninstall.ts';
import type { Rule } from '../../../../src/rule/types.ts';
import { replacement } from '../../../../src/state/replacement.ts';
import type { Step } from '../../../../src/state/steps.ts';

const shown = { isTTY: false };
const none = { emulators: 0, bytes: 0 };
const pattern = { type: 'extension', extension: 'x' } as const;
const rule = (name: string): Rule => ({ name, pattern, interpreter: '/bin/true', flags: [] });
const unregister = (name: string): Step => ({ kind: 'unregister', entry: { ...rule(name), enabled: true } });
const forget = (name: string): Step => ({
  kind: 'delete',
  path: `/store/registrations/${name}.json`,
  previous: '',
});

const result = (more: Partial<UninstallResult> = {}): UninstallResult => ({
  ...{ schema: 'binfmtctl/uninstall/1', dryRun: false, restored: [], purged: [], trees: [], damaged: [] },
  ...{ freed: none, unused: none },
  steps: ['qemu-aarch64', 'qemu-riscv64'].flatMap((name) => [unregister(name), forget(name)]),
  ...more,
});

describe('what uninstall prints', () => {
  const textOf = (of: UninstallResult): string => uninstallText(of, { shown, quiet: false });

  it('is that of the design', () => {
    expect(textOf(result({ unused: { emulators: 2, bytes: 12_900_000 } }))).toBe(
      `✔ removed 2 entries: qemu-aarch64, qemu-riscv64
Emulators stay in the store (12.9 MB); --purge removes them.
`,
    );
  });

  it('names boot files, restored entries and what was purged', () => {
    const file = '/etc/binfmt.d/qemu-aarch64.conf';
    const text = textOf(
      result({
        steps: [
          unregister('qemu-aarch64'),
          { kind: 'delete', path: file, previous: '' },
          forget('qemu-aarch64'),
        ],
        restored: [{ entry: 'qemu-aarch64', interpreter: '/usr/bin/q', path: '/usr/lib/binfmt.d/q.conf' }],
        freed: { emulators: 1, bytes: 12_900_000 },
      }),
    );
    expect(text).toBe(`✔ removed 1 entry: qemu-aarch64
✔ removed 1 boot file: ${file}
✔ restored entry qemu-aarch64 → /usr/bin/q, as /usr/lib/binfmt.d/q.conf says
✔ removed 1 emulator from the store (12.9 MB)
`);
  });

  it('says so where the kernel has lost the entry, or there is nothing', () => {
    expect(textOf(result({ steps: [forget('qemu-arm')] }))).toMatch(
      /^✔ removed the registration of qemu-arm: /,
    );
    expect(textOf(result({ steps: [] }))).toBe('nothing to remove\n');
  });
});

describe('what import prints', () => {
  const textOf = (steps: readonly Step[], unchanged: readonly string[] = []): string =>
    importText(
      { schema: 'binfmtctl/import/1', dryRun: false, steps, unchanged, lost: [], leftOut: [] },
      shown,
    );

  it('counts entries, not steps: a replacement is one', () => {
    const old = { ...rule('b'), enabled: true };
    const { stage, swap } = replacement(old, rule('b'), [old]);
    expect(
      textOf([{ kind: 'register', rule: rule('a') }, ...stage, ...swap], ['c']),
    ).toBe(`✔ registered 1 entry: a
✔ replaced 1 entry: b
✔ 1 entry registered already: c
`);
    expect(textOf([])).toBe('no rules found\n');
  });
});
