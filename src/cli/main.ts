#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import { isOurImage } from '../system/host.ts';
import { closeInherited } from '../system/process/inherited.ts';
import { commandFirst } from './grammar/common.ts';
import { guardStreams } from './output/streams.ts';

declare const BINFMTCTL_VERSION: string;

const words = process.argv.slice(2);
const ordered = commandFirst(words);
const called = basename(process.argv[1] ?? '');
/** Started through a link of such a name, it is that program. */
const DROP_IN_NAMES = ['update-binfmts', 'binfmt'];
/** Our container image takes the flags of tonistiigi/binfmt besides our own commands. */
const inImage = isOurImage();
const isDropIn = DROP_IN_NAMES.includes(called) || (inImage && ordered === null);
// Scripts that compare versions ask for it: answered before anything else is loaded.
if (words.length === 1 && !isDropIn && ['--version', '-V', 'version'].includes(words[0] ?? '')) {
  process.stdout.write(`${BINFMTCTL_VERSION}\n`);
} else {
  dispatch(isDropIn ? words : (ordered ?? words)).then(
    (status) => {
      process.exitCode = status;
    },
    ({ code, message }: NodeJS.ErrnoException) => {
      // Commands print their own failures. Only a bundle that cannot be loaded ends here.
      const hint = code === 'EMFILE' ? 'hint: allow more open files: `ulimit -n 1024`\n' : '';
      writeSync(2, `binfmtctl: cannot start: ${message}\n${hint}`);
      process.exitCode = 1;
    },
  );
}

/** Loads the bundle of a command and runs it. */
async function dispatch(line: readonly string[]): Promise<number> {
  closeInherited(line);
  if (!isDropIn && (line[0] === 'run' || line[0] === 'enter')) {
    return (await import('./parts/emulation.ts')).runEmulated(line, BINFMTCTL_VERSION);
  }
  const [command = '', ...rest] = isDropIn
    ? [called === 'update-binfmts' ? called : 'binfmt', ...line]
    : line;
  if (command === 'status') return (await import('./parts/status.ts')).runStatus(line, BINFMTCTL_VERSION);
  // Options before the name of a drop-in are ours, and it has no such options.
  const isOriginal = isDropIn || words[0] === command;
  if (isOriginal && (command === 'update-binfmts' || command === 'systemd-binfmt')) {
    return (await import('./parts/drop-in.ts')).runDropIn(command, rest, BINFMTCTL_VERSION);
  }
  guardStreams();
  if (command === 'verify') return (await import('./parts/verify.ts')).runVerify(line, BINFMTCTL_VERSION);
  if (isOriginal && command === 'binfmt')
    return (await import('./parts/operations.ts')).runBinfmtDropIn(rest, BINFMTCTL_VERSION);
  return (await import('./parts/commands.ts')).runCommandLine(line, BINFMTCTL_VERSION);
}
