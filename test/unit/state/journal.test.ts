import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planInstall } from '../../../src/install/plan.ts';
import { type AnyEntry, type BpfEntry, type Entry, isBpf, type Rule } from '../../../src/rule/types.ts';
import { decodeJournal, encodeJournal, planRepair } from '../../../src/state/journal.ts';
import { inverse, requireReversible, type Step } from '../../../src/state/steps.ts';

const ruleOf = (name: string, interpreter: string): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1), mask: null },
  interpreter,
  flags: ['F'],
});

/** A machine in memory. */
interface Machine {
  readonly entries: Map<string, AnyEntry>;
  readonly files: Map<string, string>;
}

function applyToMachine({ entries, files }: Machine, step: Step): void {
  if (step.kind === 'register') entries.set(step.rule.name, { ...step.rule, enabled: true });
  if (step.kind === 'unregister') entries.delete(step.entry.name);
  if (step.kind === 'enable') entries.set(step.entry.name, { ...step.entry, enabled: true });
  if (step.kind === 'disable') entries.set(step.entry.name, { ...step.entry, enabled: false });
  if (step.kind === 'write') files.set(step.path, step.text);
  if (step.kind === 'delete') files.delete(step.path);
}

const machineRules = ({ entries }: Machine): readonly Entry[] =>
  [...entries.values()].filter((entry): entry is Entry => !isBpf(entry));

const machines = fc
  .array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      old: fc.constantFrom('none', 'same', 'other'),
      on: fc.boolean(),
      hides: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((list) => [...new Map(list.map((each) => [each.name, each])).values()]);

describe('planRepair', () => {
  it('rolls back a run that was killed after any number of its steps', () => {
    fc.assert(
      fc.property(machines, fc.boolean(), fc.nat(40), fc.boolean(), (list, replace, killedAfter, half) => {
        const machine: Machine = { entries: new Map(), files: new Map() };
        for (const { name, old, on, hides } of list) {
          if (hides) machine.files.set(`/old/${name}`, 'old');
          if (old !== 'none')
            machine.entries.set(name, { ...ruleOf(name, old === 'same' ? '/new' : '/old'), enabled: on });
        }
        const before = JSON.stringify([
          [...machine.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
          [...machine.files].sort(),
        ]);
        const wanted = list.map(({ name, hides }) => ({
          arch: name,
          rule: ruleOf(name, '/new'),
          files: [{ path: `/note/${name}`, text: 'note', previous: null }],
          obsolete: hides ? [{ path: `/old/${name}`, restored: null, now: 'old' }] : [],
        }));
        const ours = new Set(list.map(({ name }) => name));
        const steps = planInstall({ entries: machineRules(machine), ours }, wanted, {
          replace,
          prove: true,
        });
        for (const step of steps.slice(0, killedAfter)) applyToMachine(machine, step);
        // Linux 7.3: killed between registration and enabling.
        const next = steps[killedAfter];
        if (half && next?.kind === 'register')
          machine.entries.set(next.rule.name, { ...next.rule, enabled: false });
        const journal = decodeJournal(encodeJournal({ bootId: 'b', userNamespace: 'u', steps }));
        const files = new Map(
          wanted
            .flatMap(({ files, obsolete }) => [...files, ...obsolete])
            .map(({ path }) => [path, machine.files.get(path) ?? null]),
        );
        const repair = planRepair(journal as NonNullable<typeof journal>, {
          entries: [...machine.entries.values()],
          files,
          sameKernel: true,
        });
        for (const step of repair) applyToMachine(machine, step);
        const after = JSON.stringify([
          [...machine.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
          [...machine.files].sort(),
        ]);
        expect(after).toBe(before);
      }),
    );
  });

  it('rolls back only files after a reboot', () => {
    const steps: Step[] = [
      { kind: 'write', path: '/note', text: 'x', previous: null },
      { kind: 'unregister', entry: { ...ruleOf('a', '/old'), enabled: true } },
    ];
    const found = { entries: [], files: new Map([['/note', 'x']]), sameKernel: false };
    expect(planRepair({ bootId: 'b', userNamespace: 'u', steps }, found)).toEqual(inverse(steps[0] as Step));
  });

  it('restores a BPF handler with its interpreters, and an entry with T or L', () => {
    const handler: BpfEntry = {
      name: 'b',
      handler: 'h',
      interpreters: [{ name: 'arm', path: '/arm' }],
      flags: [],
      enabled: true,
    };
    const entries: AnyEntry[] = [
      handler,
      { ...ruleOf('t', '/t'), flags: ['O', 'T'], enabled: true },
      { ...ruleOf('l', '/l'), flags: ['F', 'L'], enabled: true },
    ];
    const steps = entries.map((entry): Step => ({ kind: 'unregister', entry }));
    const journal = decodeJournal(encodeJournal({ bootId: 'b', userNamespace: 'u', steps }));
    const repair = planRepair(journal as NonNullable<typeof journal>, {
      entries: [],
      files: new Map(),
      sameKernel: true,
    });
    const machine: Machine = { entries: new Map(), files: new Map() };
    for (const step of repair) applyToMachine(machine, step);
    expect([...machine.entries.values()]).toEqual(entries);
  });

  it('is not written if a removed entry could not be restored', () => {
    const entry: Entry = { ...ruleOf('a', '/old'), enabled: true, extra: ['colour blue'] };
    const steps: Step[] = [{ kind: 'unregister', entry }];
    expect(() => requireReversible(steps)).toThrow(expect.objectContaining({ code: 'BAD_ENTRY' }));
    expect(() => encodeJournal({ bootId: 'b', userNamespace: 'u', steps })).toThrow(/colour blue/);
  });

  it('rejects a truncated journal', () => {
    expect(decodeJournal('{"schema":"binfmtctl/journal/1","steps":[')).toBeNull();
  });
});
