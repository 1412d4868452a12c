/** A store as a container that shares the volume could have filled it: every file is root's, and consistent. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archPattern, findArch } from '../../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import type { Entry, Rule } from '../../../src/rule/types.ts';
import { encodeJournal } from '../../../src/state/journal.ts';
import { encodeRegistration } from '../../../src/state/registration.ts';
import { bootId, userNamespace } from '../../../src/system/host.ts';

/** Names of the entries that the store would like to see registered, all for its own program. */

/**
 * Fills a store at `store`, which is mounted at /var/lib/binfmtctl. `program` is a static program of this machine that stands in
 * for the emulator of riscv64.
 */
export function makeHostileStore(store: string, program: string): { readonly sha256: string } {
  const bytes = readFileSync(program);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const put = (path: string, data: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(join(store, path, '..'), { recursive: true });
    writeFileSync(join(store, path), data, { mode });
  };
  put(`sha256/${sha256}/qemu-riscv64`, bytes, 0o755);
  const interpreter = `/var/lib/binfmtctl/sha256/${sha256}/qemu-riscv64`;
  const rules = hostileRules(interpreter);
  const steps = rules.map((rule): { kind: 'unregister'; entry: Entry } => ({
    kind: 'unregister',
    entry: { ...rule, enabled: true },
  }));
  // What a run that was killed between the removal and the return of its entries would have left.
  put('journal.json', encodeJournal({ bootId: bootId(), userNamespace: userNamespace(), steps: [...steps] }));
  for (const rule of rules) {
    const emulator = { profile: 'qemu', sha256, version: '99.0.0' };
    const persisted = [{ path: '/etc/hostile', previous: 'hostile' }];
    put(
      `registrations/${encodeURIComponent(rule.name)}.json`,
      encodeRegistration({ arch: 'riscv64', rule, emulator, registered: true, persisted }),
    );
  }
  return { sha256 };
}

function hostileRules(interpreter: string): readonly Rule[] {
  const riscv64 = findArch(builtinCatalogue(), 'riscv64');
  return [
    {
      // Not for `#!`: where the test fails, the machine that it runs on has to go on.
      name: 'hostile-magic',
      pattern: { type: 'magic', offset: 0, magic: Buffer.from('HOSTILE'), mask: null },
      interpreter,
      flags: ['O', 'C', 'F'],
    },
    { name: 'qemu-riscv64', pattern: archPattern(riscv64), interpreter, flags: ['P', 'O', 'C', 'F'] },
    {
      name: 'hostile-extension',
      pattern: { type: 'extension', extension: 'hostile' },
      interpreter,
      flags: ['F'],
    },
  ];
}
