import { describe, expect, it } from 'vitest';
import { BinfmtctlError } from '../../../src/errors.ts';
import type { Step } from '../../../src/state/steps.ts';
import { transact } from '../../../src/state/transaction.ts';

const write = (path: string): Step => ({ kind: 'write', path, text: 'new', previous: null });
const steps = ['/1', '/2', '/3'].map(write);

/** Options that keep files in memory and fail if `fails` is true. */
function doors(fails: (step: Step) => boolean) {
  const files = new Set<string>();
  const journal: string[] = [];
  const controller = new AbortController();
  return {
    files,
    journal,
    controller,
    all: {
      signal: controller.signal,
      journal: {
        open: async () => void journal.push('open'),
        close: async () => void journal.push('close'),
      },
      apply: async (step: Step) => {
        if (fails(step))
          throw new BinfmtctlError('FILE_FAILED', `cannot ${step.kind} ${'path' in step ? step.path : ''}`);
        if (step.kind === 'write') files.add(step.path);
        if (step.kind === 'delete') files.delete(step.path);
      },
    },
  };
}

describe('transact', () => {
  it('applies all steps and closes the journal', async () => {
    const { all, files, journal } = doors(() => false);
    await transact(steps, all);
    expect([...files]).toEqual(['/1', '/2', '/3']);
    expect(journal).toEqual(['open', 'close']);
  });

  it.each([0, 1, 2])('rolls back if step %i fails', async (index) => {
    const { all, files, journal } = doors((step) => step === steps[index]);
    await expect(transact(steps, all)).rejects.toMatchObject({
      code: 'FILE_FAILED',
      message: `cannot write /${index + 1}`,
    });
    expect([...files]).toEqual([]);
    expect(journal).toEqual(['open', 'close']);
  });

  it('rolls back if interrupted between two steps', async () => {
    const { all, files, controller } = doors(() => false);
    const apply = async (step: Step) => {
      await all.apply(step);
      controller.abort('SIGTERM');
    };
    await expect(transact(steps, { ...all, apply })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      cause: 'SIGTERM',
    });
    expect([...files]).toEqual([]);
  });

  it('keeps both errors, and the journal for the next run, if the rollback fails', async () => {
    const { all, files, journal } = doors(
      (step) => step === steps[2] || (step.kind === 'delete' && step.path === '/1'),
    );
    const failure = await transact(steps, all).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ROLLBACK_FAILED' });
    expect((failure as Error).message).toContain('cannot write /3');
    expect((failure as Error).message).toContain('cannot delete /1');
    expect([...files]).toEqual(['/1']);
    expect(journal).toEqual(['open']);
  });
});

describe('transact, in detail', () => {
  it('opens no journal without steps', async () => {
    const { all, journal } = doors(() => false);
    await transact([], all);
    expect(journal).toEqual([]);
  });

  it('opens a journal for a single step', async () => {
    const { all, journal, files } = doors(() => false);
    await transact(steps.slice(0, 1), all);
    expect([journal, [...files]]).toEqual([['open', 'close'], ['/1']]);
  });

  it('undoes the last step first', async () => {
    const { all } = doors((step) => step === steps[2]);
    const undone: string[] = [];
    const apply = async (step: Step) => {
      await all.apply(step);
      if (step.kind === 'delete') undone.push(step.path);
    };
    await expect(transact(steps, { ...all, apply })).rejects.toThrow();
    expect(undone).toEqual(['/2', '/1']);
  });

  it('keeps all failures as the cause, with a hint', async () => {
    const { all } = doors((step) => step === steps[1] || step.kind === 'delete');
    const failure = await transact(steps, all).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: 'cannot write /2; and then: could not undo (delete /1): cannot delete /1',
      hint: expect.stringContaining('run the command again'),
      cause: {
        errors: [
          { message: 'cannot write /2' },
          { message: 'could not undo (delete /1): cannot delete /1', cause: { code: 'FILE_FAILED' } },
        ],
      },
    });
  });

  it('reports a thrown value that is not an error', async () => {
    const { all } = doors((step) => step.kind === 'delete');
    const apply = async (step: Step) => {
      if (step === steps[1]) throw 'a word';
      await all.apply(step);
    };
    await expect(transact(steps, { ...all, apply })).rejects.toThrow(/^a word; and then: could not undo/);
  });
});
