/** Compares our run-detectors with Debian's: the executed program, its arguments, messages and exit status. */
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeEscaped } from '../../../src/rule/escape.ts';
import { amount } from '../../stress.ts';
import type { Planted, Ran, Step } from './support/step.ts';
import { startSides } from './support/twins.ts';
import * as values from './support/values.ts';

const COUNT = amount(30, 300, 'RUN_DETECTORS_COUNT');
const sides = startSides('the original', 'ours');
const both = (step: Step) => Promise.all([sides['the original'].take(step), sides.ours.take(step)]);
const { folder } = sides.ours;
const at = (path: string): string => `${folder}/${path}`;
afterAll(() => Promise.all([sides['the original'].stop(), sides.ours.stop()]));
beforeEach(() => both({ kind: 'reset' }));

const plant = (path: string, what: Planted, text: string) => both({ kind: 'plant', path, what, text });

/** Whether both have enabled the format. */
async function enable(name: string, ...lines: readonly string[]): Promise<boolean> {
  await plant(`admin/${name}`, 'file', lines.map((line) => `${line}\n`).join(''));
  const words = ['--admindir', at('admin'), '--enable', name];
  const [theirs, ours] = await both({ kind: 'run', program: 'update-binfmts', words });
  return theirs.ran?.status === 0 && ours.ran?.status === 0;
}

const magic = (pattern: string, interpreter: string, detector = '', mask = ''): readonly string[] => [
  ...[':', 'magic', '0', pattern, mask, interpreter, detector],
];

/** The behaviour of the original, after a check that ours is the same. */
async function detect(...words: readonly string[]): Promise<Ran> {
  const directories = ['--admindir', at('admin'), '--procdir=/proc/sys/fs/binfmt_misc'];
  const [theirs, ours] = await both({
    kind: 'run',
    program: 'run-detectors',
    words: [...directories, ...words],
  });
  expect(ours.ran).toEqual(theirs.ran);
  return theirs.ran as Ran;
}

/** The kernel ignores bits of the magic outside the mask; for the original, no file matches such a format. */
function isCovered([, , pattern = '', mask = '']: readonly string[]): boolean {
  const bits = decodeEscaped(Buffer.from(mask));
  return (
    bits.length === 0 ||
    decodeEscaped(Buffer.from(pattern)).every((byte, at) => (byte & ~(bits[at] ?? 0)) === 0)
  );
}

describe('run-detectors', () => {
  it.each([
    ['unchanged arguments', [at('targets/AB.foo'), '--admindir=x', '', 'a b', '-v', '--', 'é', '*']],
    ['a target after --', ['--', at('targets/AB.foo'), '--', '-x']],
    ['a relative target', ['targets/AB.foo']],
  ])('passes on %s', async (_, words) => {
    await enable('a', ...magic('AB', at('bin/shows')));
    const shown = words[0] === '--' ? words.slice(1) : words;
    expect(await detect(...words)).toEqual({
      status: 0,
      stdout: `shows ${at('bin/shows')}\n${Buffer.from(shown.join('\n')).toString('latin1')}\n`,
      stderr: '',
    });
  });

  it.each([
    ['no target', []],
    ['an unknown option', ['--unknown', 'targets/AB.foo']],
    ['an option without its value', ['--admindir']],
    ['an ambiguous option', ['--p=x', 'targets/AB.foo']],
    ['an unknown letter', ['-x', 'targets/AB.foo']],
    ['an extra value', ['--usage=x']],
    ['a target without a format', ['targets/zz.bar']],
    ['a missing target', ['targets/none']],
    ['no target but ""', ['']],
    ['a directory', ['targets/folder.foo']],
  ])('reports the error of %s', async (_, words) => {
    await enable('a', ...magic('AB', at('bin/shows')));
    expect(await detect(...words)).toMatchObject({ status: expect.any(Number), stdout: '' });
  });

  it('prints its version', async () => {
    expect((await detect('--version')).stdout).not.toBe('');
    expect((await detect('-V')).status).toBe(0);
  });

  it.each([
    ['is missing', 'bin/none'],
    ['is not executable', 'bin/no program'],
    ['is a directory', 'bin'],
  ])('tries the next interpreter if one %s', async (_, path) => {
    await enable('late', ...magic('AB', at('bin/shows')));
    await enable('early', ...magic('AB', at(path), '/bin/true'));
    const ran = await detect('targets/AB.foo', 'word');
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('targets/AB.foo\nword\n') });
    expect(ran.stderr).toContain(`unable to exec ${at(path)}`);
  });

  it.each([
    ['an interpreter without a path', 'printf'],
    ['a relative interpreter', 'bin/shows'],
    ['an interpreter that only a shell runs', at('bin/good')],
    ['an interpreter that fails', at('bin/complains')],
    ['an interpreter that is killed', at('bin/killed')],
    ['none at all', ''],
  ])('executes %s like execvp', async (_, interpreter) => {
    await enable('a', ...magic('AB', interpreter));
    expect(await detect('targets/AB.foo', 'word')).toMatchObject({ status: expect.any(Number) });
  });

  it.each([
    ['accepts', '/bin/true'],
    ['refuses', '/bin/false'],
    ['is killed', at('bin/killed')],
    ['is missing', at('bin/none')],
    ['is not executable', at('bin/no program')],
    ['only a shell runs', at('bin/good')],
    ['speaks', at('bin/tells')],
    ['complains', at('bin/complains')],
    ['has words', '/bin/true word'],
    ['has no path', 'true'],
  ])('runs a detector that %s', async (_, detector) => {
    await enable('detected', ...magic('AB', at('bin/shows'), detector));
    await enable('plain', ...magic('AB', at('bin/tells')));
    expect(await detect('targets/AB.foo', 'word')).toMatchObject({
      stdout: expect.stringMatching(/shows|told/),
    });
  });

  it("matches a magic with bits outside of its mask, like the kernel and unlike Debian's", async () => {
    await enable('a', ...magic('AB', at('bin/shows'), '', '\\xff\\xf0'));
    const directories = ['--admindir', at('admin'), '--procdir=/proc/sys/fs/binfmt_misc'];
    const words = [...directories, 'targets/AB.foo'];
    const [theirs, ours] = await both({ kind: 'run', program: 'run-detectors', words });
    expect(theirs.ran).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('unable to find an interpreter'),
    });
    expect(ours.ran).toMatchObject({ status: 0, stdout: expect.stringContaining('targets/AB.foo\n') });
  });

  it('reports a corrupt admin file', async () => {
    await enable('a', ':', 'magic');
    expect(await detect('targets/AB.foo')).toMatchObject({ status: 2, stdout: '' });
    await plant('admin/a', 'folder', '');
    expect(await detect('targets/AB.foo')).toMatchObject({ status: 2, stdout: '' });
  });

  it(`chooses like Debian's among ${COUNT} sets of formats`, async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(formats, { minLength: 1, maxLength: 4 }), target, async (lists, path) => {
        await both({ kind: 'reset' });
        for (const [index, lines] of lists.entries()) {
          await plant(`bin/shows${index}`, 'program', '#!/bin/sh\necho "$0 $*"\n');
          // Rules that we refuse as unsafe would break this machine's scripts through the original.
          fc.pre(await enable(`format${index}`, ...lines.with(5, at(`bin/shows${index}`))));
        }
        const { status } = await detect(path, 'word');
        found += status === 0 ? 1 : 0;
      }),
      { numRuns: COUNT },
    );
    expect(found).toBeGreaterThan(COUNT / 10);
    expect(found).toBeLessThan(COUNT);
  });
});

const formats = fc
  .tuple(
    fc.oneof(
      fc.tuple(
        fc.constant('magic'),
        values.offset,
        values.magic,
        fc.oneof(fc.constant(''), fc.constantFrom('\\x00\\xff', '\\xff\\xfe', '\\xfe\\xfe'), values.mask),
      ),
      fc.tuple(fc.constant('extension'), fc.constant('0'), values.extension, fc.constant('')),
    ),
    fc.constantFrom('', '', '', '/bin/true', '/bin/false', at('bin/tells')),
  )
  .filter(([spec]) => spec.every((line) => !line.includes('\n')) && isCovered(spec))
  .map(([spec, detector]) =>
    [':', ...spec, '', detector].map((line) => Buffer.from(line).toString('latin1')),
  );

const target = values.target(folder).filter((path) => path !== '');
