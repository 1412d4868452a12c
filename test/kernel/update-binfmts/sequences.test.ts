/**
 * Compares `binfmtctl update-binfmts` with Debian's update-binfmts: random sequences of commands, hand-written files and entries
 * of other programs, on two sides that see the same paths. Compares after every command: output, status, files,
 * entries and mounts.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { amount } from '../../stress.ts';
import { EXCEPTIONS, exceptionFor, isSame, isTemporary, type Outcome } from './exceptions.ts';
import { type Command, commands, installs } from './support/commands.ts';
import { adminFiles, importFiles, kernelSteps } from './support/files.ts';
import type { Answer, Step } from './support/step.ts';
import { ORIGINAL_RUN_DETECTORS, OUR_RUN_DETECTORS, PROVES_TEST, startSides } from './support/twins.ts';

const SEQUENCES = amount(10, 30, 'UPDATE_BINFMTS_SEQUENCES');
// A fixed seed, so that results are reproducible; scripts/differential.mjs uses others.
const SEED = Number(process.env['UPDATE_BINFMTS_SEED'] ?? 1);

const sides = startSides('the original', 'ours');
const original = sides['the original'];
const ours = sides.ours;
afterAll(() => Promise.all([original.stop(), ours.stop()]));

const commanded = (arbitrary: fc.Arbitrary<Command>) =>
  fc.record({ kind: fc.constant('command' as const), command: arbitrary });

/** Most sequences begin with a successful command, so that later ones have an effect. */
const sequences = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 2, arbitrary: commanded(installs(ours.folder)) },
        { weight: 1, arbitrary: importFiles(ours.folder) },
      ),
      { maxLength: 4, size: 'max' },
    ),
    fc.array(
      fc.oneof(
        { weight: 14, arbitrary: commanded(commands(ours.folder)) },
        { weight: 2, arbitrary: adminFiles(ours.folder) },
        { weight: 3, arbitrary: importFiles(ours.folder) },
        { weight: 2, arbitrary: kernelSteps(ours.folder) },
      ),
      { minLength: 1, maxLength: 9, size: 'max' },
    ),
  )
  .map((deeds) => deeds.flat());

describe('update-binfmts', () => {
  it(`behaves like Debian's in ${SEQUENCES} random sequences`, async () => {
    const seen = { commands: 0, failed: 0, registered: 0, shown: 0 };
    const used = new Map(EXCEPTIONS.map(({ name }) => [name, 0]));
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        await both({ kind: 'reset' });
        for (const deed of sequence) {
          if (deed.kind !== 'command') {
            const [theirs, own] = await both(deed);
            expect(alike(own)).toEqual(theirs);
            continue;
          }
          const [theirs, own] = await command(deed.command);
          seen.commands++;
          seen.failed += theirs.ran.status === 0 ? 0 : 1;
          seen.registered += theirs.state.entries?.length ?? 0;
          seen.shown += theirs.ran.stdout === '' ? 0 : 1;
          if (isSame(theirs, own)) continue;
          const exception = exceptionFor({ words: deed.command.words, original: theirs, ours: own });
          if (exception === null) expect(own, deed.command.words.join(' ')).toEqual(theirs);
          used.set(exception?.name ?? '', (used.get(exception?.name ?? '') ?? 0) + 1);
          if (!(await areReconciled(theirs, own))) return;
        }
      }),
      { numRuns: SEQUENCES, seed: SEED },
    );
    console.log(`update-binfmts: ${SEQUENCES} sequences, ${JSON.stringify(seen)}, exceptions ${shown(used)}`);
    if (SEQUENCES < 30) return;
    // The generator must reach every outcome often for a meaningful comparison.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(SEQUENCES / 10);
  });
});

const both = (step: Step): Promise<[Answer, Answer]> => Promise.all([original.take(step), ours.take(step)]);

async function command({ words, find }: Command): Promise<[Outcome, Outcome]> {
  const step = { kind: 'run', program: 'update-binfmts', words } as const;
  const ourWords = words.map((word, index) => (index === find && !PROVES_TEST ? `${word}=compat` : word));
  const answers = await Promise.all([original.take(step), ours.take({ ...step, words: ourWords })]);
  const [theirs, own] = answers.map(({ ran, state }) => {
    if (ran === null) throw new Error('a command that did not run');
    return { ran, state };
  });
  return [theirs as Outcome, alike(own as Outcome)];
}

/** Each registers its own run-detectors. */
function alike<T>(outcome: T): T {
  return JSON.parse(JSON.stringify(outcome).replaceAll(OUR_RUN_DETECTORS, ORIGINAL_RUN_DETECTORS));
}

/** Whether both sides are equal, without leftovers of a crash. */
async function areReconciled(theirs: Outcome, own: Outcome): Promise<boolean> {
  if (isSame(theirs.state, own.state)) return true;
  const temporary = Object.keys({ ...theirs.state.files, ...own.state.files }).filter(isTemporary);
  for (const path of temporary) {
    const text = Buffer.from(path, 'latin1').toString();
    const [one, other] = await both({ kind: 'plant', path: text, what: 'nothing', text: '' });
    if (isSame(one.state, alike(other.state))) return true;
  }
  return false;
}

const shown = (used: ReadonlyMap<string, number>): string =>
  [...used].map(([name, count]) => `${name} ${count}`).join(', ');
