import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openText } from '../../src/system/file/unnamed-file.ts';
import { AWAIT_PERMISSION, fail } from '../../src/system/namespace/setup-script.ts';
import { supervise, superviseDirectly } from '../../src/system/process/supervisor.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();

afterEach(() => vi.unstubAllEnvs());

/** None of these commands executes it. */
const noHelper = (): number => openText('');

/** A setup that prints its texts, and fails. */
const saying = (texts: readonly string[]) =>
  supervise({
    command: ['sh', '-c', 'cat /proc/self/fd/5 /proc/self/fd/6 >&2'],
    helper: noHelper(),
    setup: { maps: null, texts },
  });

describe('texts for a setup', () => {
  it.each([['/nonexistent'], ['/proc'], ['/dev/null']])('need no usable TMPDIR: %s', async (folder) => {
    vi.stubEnv('TMPDIR', folder);
    expect(await saying(['first\n', 'second\n'])).toEqual({
      failed: 'namespaces',
      complaint: 'first\nsecond',
    });
  });
});

describe('signals during a setup', () => {
  const setUp = (script: string) =>
    supervise({ command: ['sh', '-c', script], helper: noHelper(), setup: { maps: null } });

  it('end it like the program', async () => {
    const ending = setUp('echo waiting >&2; exec sleep 1000');
    process.emit('SIGTERM', 'SIGTERM');
    expect(await ending).toEqual({ signal: 'SIGTERM' });
  });

  it('do not count as a failure of the tool that they end', async () => {
    expect(await setUp(`sh -c 'kill -INT $$' || ${fail('mounts')}`)).toEqual({ status: 130 });
  });

  it('show in the status of a shell whose job it is', async () => {
    expect(await setUp(`sh -c 'kill -INT $$'; exit $?`)).toEqual({ status: 130 });
    expect(await setUp('kill -INT $$')).toEqual({ signal: 'SIGINT' });
  });

  it('prevent the execution of the program if nothing else has ended', async () => {
    const [trapped, sent] = [folder('trapped'), folder('sent')];
    const until = `: > ${trapped}; until [ -e ${sent} ]; do sleep 0.01; done`;
    const ending = setUp(`trap '' TERM; ${until}; echo "ready $$" >&2; ${AWAIT_PERMISSION}; exit 0`);
    await expect.poll(() => existsSync(trapped)).toBe(true);
    process.emit('SIGTERM', 'SIGTERM');
    writeFileSync(sent, '');
    expect(await ending).toEqual({ signal: 'SIGTERM' });
  });

  it('do not change a failure without a signal', async () => {
    expect(await setUp(`echo why >&2; (exit 32) || ${fail('root')}`)).toEqual({
      failed: 'root',
      status: 32,
      complaint: 'why',
    });
  });
});

describe('a command that cannot be started', () => {
  const long = 'x'.repeat(200_000);

  it.each([
    ['E2BIG', ['/bin/true', long]],
    ['ENOENT', ['/none', '']],
  ] as const)('ends with its errno: %s', async (errno, [path, word]) => {
    expect(await supervise({ command: [path, word], helper: noHelper() })).toEqual({ errno });
    expect(await superviseDirectly(path, [path, word], {})).toEqual({ errno });
  });
});
