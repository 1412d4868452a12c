/** A failure at every step of a change, on the real kernel: everything is restored. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listEntries } from '../../src/binfmt/entries.ts';
import { archPattern, findArch } from '../../src/catalogue/resolve.ts';
import type { Context } from '../../src/context.ts';
import { BinfmtctlError } from '../../src/errors.ts';
import { planInstall } from '../../src/install/plan.ts';
import { planUninstall } from '../../src/install/plan-uninstall.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import type { Flag, Rule } from '../../src/rule/types.ts';
import { journalOf, repair } from '../../src/state/repair.ts';
import { applyStep } from '../../src/state/step.ts';
import { inverse, type Step } from '../../src/state/steps.ts';
import { transact } from '../../src/state/transaction.ts';
import { BINFMT, entries, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const store = join(temporaryFolder(), 'store');
const context: Context = {
  catalogue: builtinCatalogue(),
  binfmtDirectory: BINFMT,
  store,
  report: () => {},
  signal: new AbortController().signal,
};

const ruleFor = (arch: string, interpreter: string, flags: readonly Flag[]): Rule => ({
  name: `qemu-${arch}`,
  pattern: archPattern(findArch(context.catalogue, arch)),
  interpreter,
  flags,
});
const wantedFor = (arch: string) => ({
  arch,
  rule: ruleFor(arch, '/bin/true', ['P', 'F']),
  files: [{ path: join(store, 'registrations', `qemu-${arch}.json`), text: arch, previous: null }],
});

/** A new entry, a replaced one and one that is enabled again, each with its registration. */
function installSteps(): readonly Step[] {
  const present = { entries: listEntries(BINFMT), ours: new Set(['qemu-s390x', 'qemu-riscv64']) };
  return planInstall(present, ['arm', 's390x', 'riscv64'].map(wantedFor), { replace: false, prove: true });
}

beforeEach(async () => {
  mkdirSync(store, { recursive: true });
  await applyStep({ kind: 'register', rule: ruleFor('s390x', '/bin/false', []) }, context);
  const { rule } = wantedFor('riscv64');
  await applyStep({ kind: 'register', rule }, context);
  await applyStep({ kind: 'disable', entry: { ...rule, enabled: true } }, context);
});

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

/** Applies steps; the `failing`th fails, and so does the undo of the `stuck`th. */
async function fail(steps: readonly Step[], failing: number, stuck?: number): Promise<BinfmtctlError> {
  const undo = stuck === undefined ? undefined : inverse(steps[stuck] as Step)[0];
  let failed = false;
  const apply = async (step: Step): Promise<void> => {
    if (failed && undo !== undefined && JSON.stringify(step) === JSON.stringify(undo))
      throw new Error('the undo fails');
    failed ||= step === steps[failing];
    if (step === steps[failing]) throw new BinfmtctlError('FILE_FAILED', 'the step fails');
    await applyStep(step, context);
  };
  const failure = await transact(steps, { apply, journal: journalOf(context), signal: context.signal }).catch(
    (error) => error,
  );
  expect(failure).toBeInstanceOf(BinfmtctlError);
  return failure;
}

describe('a failing install', () => {
  it('restores entries and files, whichever step fails', async () => {
    const before = snapshot(store);
    const steps = installSteps();
    expect(steps.map(({ kind }) => kind)).toEqual([
      ...['write', 'write', 'write', 'register', 'register', 'enable', 'prove'],
      ...['unregister', 'register', 'unregister', 'prove'],
    ]);
    for (const index of steps.keys()) {
      expect(await fail(steps, index)).toMatchObject({ code: 'FILE_FAILED', message: 'the step fails' });
      expect(snapshot(store)).toEqual(before);
    }
  });

  it('keeps both errors if the rollback fails too, and the next run completes it', async () => {
    const before = snapshot(store);
    const steps = installSteps();
    for (const stuck of steps.keys()) {
      if (inverse(steps[stuck] as Step).length === 0) continue;
      for (const failing of [stuck + 1, steps.length - 1].filter(
        (index) => index > stuck && index < steps.length,
      )) {
        const failure = await fail(steps, failing, stuck);
        expect(failure).toMatchObject({
          code: 'ROLLBACK_FAILED',
          hint: expect.stringContaining('run the command again'),
        });
        expect(failure.message).toMatch(/the step fails.*the undo fails/);
        expect(existsSync(join(store, 'journal.json'))).toBe(true);
        await repair(context);
        expect(snapshot(store)).toEqual(before);
      }
    }
  });
});

describe('repair', () => {
  it('is rolled back by the next run after a kill at any step', async () => {
    const before = snapshot(store);
    const steps = installSteps();
    for (let done = 0; done <= steps.length; done++) {
      await journalOf(context).open(steps);
      for (const step of steps.slice(0, done)) await applyStep(step, context);
      await repair(context);
      expect(snapshot(store)).toEqual(before);
    }
  });

  it('ignores an invalid journal', async () => {
    await journalOf(context).open([]);
    const before = entries();
    expect(await repair(context)).toBe(0);
    expect(entries()).toEqual(before);
    expect(existsSync(join(store, 'journal.json'))).toBe(false);
  });
});

describe('a failing uninstall', () => {
  it('restores removed entries and files, whichever step fails', async () => {
    const { rule, files } = wantedFor('arm');
    const [note] = files;
    const written = { path: note?.path ?? '', text: 'note' };
    await applyStep({ kind: 'register', rule }, context);
    await applyStep({ kind: 'write', ...written, previous: null }, context);
    const before = snapshot(store);
    const registration = {
      arch: 'arm',
      rule,
      registered: true,
      persisted: [],
      emulator: { profile: 'qemu', sha256: '0'.repeat(64), version: null },
    };
    const steps = planUninstall({
      entry: { ...rule, enabled: true },
      registration,
      files: [],
      registrationFile: written,
    });
    expect(steps.map(({ kind }) => kind)).toEqual(['unregister', 'delete']);
    for (const index of steps.keys()) {
      await fail(steps, index);
      expect(snapshot(store)).toEqual(before);
      expect(readFileSync(written.path, 'utf8')).toBe('note');
    }
  });
});
