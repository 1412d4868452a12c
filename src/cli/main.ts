#!/usr/bin/env node
import { runCommandLine } from './run.ts';

declare const BINFMTCTL_VERSION: string;

// Asked for by scripts that compare versions: answered before anything else is loaded.
const [only] = process.argv.slice(2);
if (process.argv.length === 3 && (only === '--version' || only === '-V')) {
  process.stdout.write(`${BINFMTCTL_VERSION}\n`);
} else {
  void runCommandLine(process.argv.slice(2), BINFMTCTL_VERSION).then((status) => {
    process.exitCode = status;
  });
}
