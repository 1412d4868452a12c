#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import { isOurImage } from '../system/host.ts';
import { closeInherited } from '../system/process/inherited.ts';
import { guardStreams } from './output/streams.ts';

declare const BINFMTCTL_VERSION: string;

// Asked for by scripts that compare versions: answered before anything else is loaded.
const [only] = process.argv.slice(2);
const called = basename(process.argv[1] ?? '');
/** Through links of these names it is the program itself. */
const DROP_IN_NAMES = ['update-binfmts', 'binfmt'];
/** Set by our container image, which takes the flags of tonistiigi/binfmt besides our own commands. */
const inImage = isOurImage();
const isDropIn = DROP_IN_NAMES.includes(called) || (inImage && !/^[^-]/.test(only ?? ''));
if (process.argv.length === 3 && !isDropIn && (only === '--version' || only === '-V')) {
  process.stdout.write(`${BINFMTCTL_VERSION}\n`);
} else {
  dispatch(process.argv.slice(2)).then(
    (status) => {
      process.exitCode = status;
    },
    ({ code, message }: NodeJS.ErrnoException) => {
      // Commands print their failures; a part of the program that cannot be loaded has none to do so.
      const hint = code === 'EMFILE' ? 'hint: allow more open files: `ulimit -n 1024`\n' : '';
      writeSync(2, `binfmtctl: cannot start: ${message}\n${hint}`);
      process.exitCode = 1;
    },
  );
}

/** A drop-in needs none of what the other commands load, but for the one that installs. */
async function dispatch(words: readonly string[]): Promise<number> {
  closeInherited(words);
  if (!isDropIn && (words[0] === 'run' || words[0] === 'enter')) {
    return (await import('./parts/emulation.ts')).runEmulated(words, BINFMTCTL_VERSION);
  }
  const [command = '', ...rest] = isDropIn
    ? [called === 'update-binfmts' ? called : 'binfmt', ...words]
    : words;
  if (command === 'status') return (await import('./parts/status.ts')).runStatus(words, BINFMTCTL_VERSION);
  if (command === 'update-binfmts' || command === 'systemd-binfmt') {
    return (await import('./parts/drop-in.ts')).runDropIn(command, rest, BINFMTCTL_VERSION);
  }
  guardStreams();
  if (command === 'verify') return (await import('./parts/verify.ts')).runVerify(words, BINFMTCTL_VERSION);
  if (command === 'binfmt')
    return (await import('./parts/operations.ts')).runBinfmtDropIn(rest, BINFMTCTL_VERSION);
  return (await import('./parts/commands.ts')).runCommandLine(words, BINFMTCTL_VERSION);
}
