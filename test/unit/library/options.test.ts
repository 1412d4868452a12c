import { describe, expect, it } from 'vitest';
import { BinfmtctlError } from '../../../src/errors.ts';
import {
  bundle,
  enter,
  exportRules,
  importRules,
  install,
  run,
  status,
  uninstall,
  verify,
} from '../../../src/index.ts';

/** What a call rejects with or throws. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

const usage = (message: string | RegExp, hint?: string) => ({
  code: 'USAGE',
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  ...(hint !== undefined && { hint }),
});

describe('a call of the library', () => {
  it.each([
    [
      'a misspelt option',
      () => install('arm64', { perist: 'auto' } as object),
      usage('install(): unknown option "perist"', 'did you mean persist?'),
    ],
    [
      'an unknown option',
      () => status({ root: '/' } as object),
      usage(
        'status(): unknown option "root"',
        'known options: binfmtDirectory, catalogue, onProgress, signal, store',
      ),
    ],
    [
      'a name of Object.prototype',
      () => verify([], { constructor: 1 } as object),
      usage('verify(): unknown option "constructor"'),
    ],
    [
      'an invalid choice',
      () => install('arm64', { persist: 'yes' as never }),
      usage(
        'install(): invalid value for persist: "yes" (expected "auto", "binfmt.d", "binfmt-support" or "none")',
      ),
    ],
    [
      'null',
      () => install('arm64', { dryRun: null as never }),
      usage('install(): invalid value for dryRun: null (expected true or false)'),
    ],
    [
      'text in place of a boolean',
      () => uninstall('arm64', { purge: 'false' as never }),
      usage('uninstall(): invalid value for purge: "false" (expected true or false)'),
    ],
    [
      'text in place of options',
      () => install('arm64', 'apt' as never),
      usage('install(): invalid value for options: "apt" (expected an object)'),
    ],
    [
      'an empty path',
      () => status({ store: '' }),
      usage('status(): invalid value for store: "" (expected a non-empty string)'),
    ],
    ['a path with NUL', () => status({ store: 'a\0b' }), usage(/^status\(\): invalid value for store: /)],
    [
      'a path that UTF-8 cannot express',
      () => status({ store: 'a\udc80' }),
      usage(/^status\(\): invalid value for store: /),
    ],
    [
      'a number in a list',
      () => install('arm64', { source: ['apt', 1] as never }),
      usage(
        'install(): invalid value for source: an array (expected a non-empty string, or an array of them)',
      ),
    ],
    [
      'an event target in place of a signal',
      () => status({ signal: new EventTarget() as never }),
      usage('status(): invalid value for signal: an object (expected an AbortSignal)'),
    ],
    [
      'text in place of a function',
      () => status({ onProgress: 'log' as never }),
      usage('status(): invalid value for onProgress: "log" (expected a function)'),
    ],
    [
      'a required option that is missing',
      () => bundle('arm64', {} as never),
      usage('bundle(): invalid value for output: undefined (expected a non-empty string)'),
    ],
    [
      'a number in place of an architecture',
      () => install(['arm64', 64] as never),
      usage('install(): invalid value for arches: 64 (expected a name, an Arch, or an array of them)'),
    ],
    [
      'no architecture',
      () => install([]),
      usage(
        'install(): no name given',
        "pass a name, such as install('arm64'), or install([], { all: true })",
      ),
    ],
    ['an empty list of names', () => install(' , '), usage('install(): no name given')],
    [
      'names with all',
      () => uninstall('arm64', { all: true }),
      usage('uninstall(): names and all: true exclude each other'),
    ],
    ['no name to export', () => exportRules([]), usage('exportRules(): no name given')],
    [
      'no file to import',
      () => importRules([]),
      usage(/^importRules\(\): invalid value for paths: an array/),
    ],
    [
      'an unknown format',
      () => exportRules('a', { format: 'json' as never }),
      usage(/^exportRules\(\): invalid value for format: "json" \(expected "binfmt.d", /),
    ],
    [
      'a command in one string',
      () => run('ls -l' as never),
      usage(
        'run(): invalid value for command: "ls -l" (expected an array of strings: the program and its arguments)',
      ),
    ],
    ['an empty command', () => run([]), usage(/^run\(\): invalid value for command: an array/)],
    [
      'an empty root',
      () => enter(''),
      usage('enter(): invalid value for rootfs: "" (expected a non-empty string)'),
    ],
    [
      'the descriptors of the process',
      () => run(['ls'], { subprocess: { stdio: 'inherit' } }),
      usage(
        'run(): invalid value for subprocess.stdio: "inherit" (expected none: use stdin, stdout and stderr)',
      ),
    ],
    [
      'a variable that is no string',
      () => enter('/root', [], { environment: { A: 1 as never } }),
      usage('enter(): invalid value for environment: an object (expected an object of strings)'),
    ],
  ] as const)('refuses %s', async (_, call, expected) => {
    const failure = await failureOf(call);
    expect(failure).toBeInstanceOf(BinfmtctlError);
    expect(failure).toMatchObject(expected);
  });

  it('does not repeat a login', async () => {
    const failure = await failureOf(() =>
      install('arm64', { persist: 'oci:user:hunter2@host/image' as never }),
    );
    expect(String(failure)).not.toContain('hunter2');
  });

  it('rejects at once if its signal is already aborted', async () => {
    const reason = new Error('enough');
    expect(await failureOf(() => install('arm64', { signal: AbortSignal.abort(reason) }))).toMatchObject({
      code: 'INTERRUPTED',
      message: 'interrupted while starting install()',
      cause: reason,
    });
  });
});
