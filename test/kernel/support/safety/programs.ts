/** Native programs, and files that rules name as interpreters. Each native program has a unique status or output. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitProgram } from '../../launcher.ts';

export interface Files {
  /** Programs that no accepted rule may affect. They are in the machine's directories, or in one in PATH. */
  readonly natives: readonly string[];
  /** Slow native programs. */
  readonly slow: readonly string[];
  readonly interpreters: readonly string[];
  /** Interpreters that do not read standard input, which belongs to the launcher. */
  readonly runnable: readonly string[];
  /** Expected results of the native programs. */
  readonly binDirectory: string;
}

const LOADERS = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'];

export function makeFiles(directory: string): Files {
  const binDirectory = join(directory, 'bin');
  const others = join(directory, 'interpreters');
  mkdirSync(binDirectory);
  mkdirSync(others);
  const put = (path: string, content: string | Uint8Array): string => {
    writeFileSync(path, content, { mode: 0o755 });
    return path;
  };
  const native = (name: string, content: string | Uint8Array): string =>
    put(join(binDirectory, name), content);
  const interpreter = (name: string, content: string | Uint8Array): string =>
    put(join(others, name), content);
  const report = 'echo "$0 $#" >&3\n';
  const dynamic = join(binDirectory, 'dynamic.tool');
  copyFileSync('/bin/false', dynamic);
  const fixed = native('static', exitProgram(101));
  const script = native('script.sh', `#!/bin/sh\n${report}exit 41\n`);
  const loader = LOADERS.find(existsSync) ?? '';
  const chained = interpreter('script.run', `#!${fixed}\n`);
  const first = interpreter('first.link', `#!${join(others, 'second.link')}\n`);
  interpreter('second.link', `#!${fixed}\n`);
  const readers = ['/bin/sh', '/usr/bin/python3.11'];
  const interpreters = [
    ...['/bin/true', ...readers, '/missing', others, fixed, dynamic, script, loader],
    ...[chained, first],
    interpreter('static.x', exitProgram(121)),
    interpreter('tool.11', exitProgram(122)),
    interpreter('foreign', changed(exitProgram(123), [18, 183])),
    interpreter('riscv', changed(exitProgram(124), [18, 243])),
    interpreter('text.x', `#!/bin/sh\nexit 51\n`),
    interpreter('looping', `#!${join(others, 'looping')}\n`),
    interpreter('to.foreign', `#!${join(others, 'foreign')}\n`),
    interpreter('seed.ab', 'ABCD'),
    interpreter('empty', ''),
  ].filter((path) => path !== '');
  return {
    binDirectory,
    natives: [
      ...['/bin/true', '/bin/false'],
      ...[fixed, dynamic, script],
      native('static-pie', changed(exitProgram(102), [16, 3])),
      native('any-class', changed(exitProgram(103), [4, 0x55])),
      native('any-order', changed(exitProgram(104), [5, 0x33])),
      native('any-version', changed(exitProgram(105), [6, 7], [20, 0])),
      native('gnu', changed(exitProgram(106), [7, 3])),
      native('abi', changed(exitProgram(107), [8, 5])),
      native('tool3.11', exitProgram(108)),
      native('library.so', exitProgram(109)),
      native('loader.so.2', exitProgram(110)),
      native('package.postinst', `#!/bin/sh\nset -e\n${report}exit 42\n`),
      native('blank', `#! /bin/sh\n${report}exit 43\n`),
      native('tool.12', exitProgram(114)),
      native('tool3.0', exitProgram(115)),
      native('nested', `#!${script}\n`),
      native('of-a-static', `#!${fixed}\n`),
      native('loaded', `#!${loader} /bin/false\n`),
      ...(process.arch === 'x64'
        ? [
            native('i386', program32(3, 111)),
            native('i486', program32(6, 112)),
            native('i386.bin', program32(3, 113)),
          ]
        : []),
    ],
    slow: [
      native('bash', `#!/bin/bash\n${report}exit 44\n`),
      native('env', `#!/usr/bin/env false\n`),
      native('perl', '#!/usr/bin/perl\nexit 45;\n'),
      ...(existsSync('/usr/bin/python3.11')
        ? [native('python', '#!/usr/bin/python3.11 -IS\nraise SystemExit(46)\n')]
        : []),
    ],
    interpreters,
    runnable: interpreters.filter((path) => ![...readers, loader].includes(path)),
  };
}

function changed(
  bytes: Uint8Array,
  ...changes: readonly (readonly [at: number, byte: number])[]
): Uint8Array {
  const copy = bytes.slice();
  for (const [at, byte] of changes) copy[at] = byte;
  return copy;
}

/** A static 32-bit program for x86 that exits with `status`. */
function program32(machine: number, status: number): Uint8Array {
  const base = 0x8048000;
  const bytes = Buffer.alloc(52 + 32 + 12);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt32LE(base + 84, 24);
  bytes.writeUInt32LE(52, 28);
  for (const [index, value] of [52, 32, 1].entries()) bytes.writeUInt16LE(value, 40 + 2 * index);
  const load = [1, 0, base, base, bytes.length, bytes.length, 5, 0x1000];
  for (const [index, value] of load.entries()) bytes.writeUInt32LE(value, 52 + 4 * index);
  // mov eax, 1; mov ebx, status; int 0x80
  bytes.set([0xb8, 1, 0, 0, 0, 0xbb, status, 0, 0, 0, 0xcd, 0x80], 84);
  return bytes;
}
