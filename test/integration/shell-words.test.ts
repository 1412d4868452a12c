import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { commandLine, printfFormat, quote } from '../../src/text/shell.ts';

const [busybox = ''] = unpackPackages('busybox-static');
const SHELLS: readonly (readonly [string, ...string[]])[] = [
  ['dash'],
  ['bash'],
  ['bash', '--posix'],
  [join(busybox, 'bin/busybox'), 'sh'],
];
const sh = ([file, ...args]: readonly [string, ...string[]], script: string): Buffer =>
  execFileSync(file, args, { input: script, maxBuffer: 2 ** 26 });

/** Many words for one start of a shell, mostly of special characters. */
const special = fc.string({
  unit: fc.constantFrom(...' \t\n\'"\\$`*?[]{}()<>|&;!#~=%-+,:/.aé\u00a0\u{1f40c}'),
});
const words = fc.array(fc.oneof(special, fc.string({ unit: 'binary' })), { minLength: 20, maxLength: 200 });
const withoutNul = words.map((all) => all.map((word) => word.replaceAll('\0', '')));

describe.each(SHELLS)('%s %s', (...shell) => {
  const parts = shell.filter((each) => typeof each === 'string') as [string, ...string[]];

  it('reads quoted words back unchanged', () => {
    fc.assert(
      fc.property(withoutNul, (all) => {
        const output = sh(parts, all.map((word) => `printf '%s\\0' ${quote(word)}\n`).join(''));
        expect(output.toString().split('\0').slice(0, -1)).toEqual(all);
      }),
      { numRuns: 20 },
    );
  });

  it('splits a command line into its words', () => {
    fc.assert(
      fc.property(withoutNul, (all) => {
        const output = sh(parts, commandLine(['printf', '%s\\0', '', ...all]));
        expect(output.toString().split('\0').slice(1, -1)).toEqual(all);
      }),
      { numRuns: 20 },
    );
  });

  it('writes any bytes of a format', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(sh(parts, `printf ${printfFormat(all)}`)).toEqual(Buffer.from(all));
    const some = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 50, maxLength: 100 });
    fc.assert(
      fc.property(some, (all) => {
        const output = sh(parts, all.map((bytes) => `printf ${printfFormat(bytes)}\n`).join(''));
        expect(output).toEqual(Buffer.concat(all));
      }),
      { numRuns: 20 },
    );
  });

  it('writes digits after an escaped byte as digits', () => {
    const bytes = Buffer.from('\0' + '0\x017\x7f8');
    expect(sh(parts, `printf ${printfFormat(bytes)}`)).toEqual(bytes);
  });
});
